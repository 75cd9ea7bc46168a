import { createServer, type AddressInfo, type Socket } from 'node:net'
import { once } from 'node:events'
import { afterEach, expect, test } from '@jest/globals'
import { Closers } from '../../../src/lib/async/closers.ts'
import { createHttpClient } from '../../../src/net/http-client.ts'
import { PIECES_AT_ONCE } from '../../../src/net/paced-pieces.ts'
import { countTurns } from '../../support/count-turns.ts'
import { getBytes } from '../../support/get-bytes.ts'

const closers = new Closers()
afterEach(() => closers.close())

test('an answer in chunks of one byte leaves the thread to others after every thousand of them', async () => {
  const pieces = 100_000
  const server = createServer((socket: Socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n')
      socket.end(`${'1\r\nx\r\n'.repeat(pieces)}0\r\n\r\n`)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.add(() => void server.close())
  const client = createHttpClient({ policy: () => ({ allowedHosts: ['127.0.0.1'], allowedOrigins: [] }) })
  closers.add(() => client.close())
  const count = countTurns()
  const bytes = await getBytes(client, (server.address() as AddressInfo).port)
  count.stop()
  expect(bytes.toString()).toBe('x'.repeat(pieces))
  expect(count.turns).toBeGreaterThanOrEqual(pieces / PIECES_AT_ONCE)
})
