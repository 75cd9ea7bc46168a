import { once } from 'node:events'
import { createServer, connect, type AddressInfo } from 'node:net'
import { afterEach, expect, test } from '@jest/globals'
import { Closers } from '../../../src/lib/async/closers.ts'
import { createHttpClient } from '../../../src/net/http-client.ts'
import { INTERIM_ANSWERS_MAX } from '../../../src/net/paced-pieces.ts'
import { PACED_READ_BYTES, paceSocket } from '../../../src/net/paced-socket.ts'
import { countTurns } from '../../support/count-turns.ts'
import { getBytes } from '../../support/get-bytes.ts'
import { useTurnUp } from '../../support/hold-turn.ts'

const closers = new Closers()
afterEach(() => closers.close())

/** The port of a server that sends the bytes to each client. */
async function serverOf(bytes: Buffer): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.end(bytes)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.add(() => void server.close())
  return (server.address() as AddressInfo).port
}

test('a connection is read in small pieces that are all its bytes in their order, and rests when a turn is over', async () => {
  const sent = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 251))
  const socket = connect(await serverOf(sent), '127.0.0.1')
  closers.add(() => void socket.destroy())
  paceSocket(socket)
  const pieces: Buffer[] = []
  const turns = countTurns()
  const turnsOfPieces = new Set<number>()
  socket.on('readable', () => {
    for (let piece = socket.read() as Buffer | null; piece; piece = socket.read() as Buffer | null) {
      pieces.push(piece)
      turnsOfPieces.add(turns.turns)
      // The work of a piece takes as long as a turn may be held.
      useTurnUp()
    }
  })
  await once(socket, 'end')
  turns.stop()
  expect(Buffer.concat(pieces).equals(sent)).toBe(true)
  expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThanOrEqual(PACED_READ_BYTES)
  expect(turnsOfPieces.size).toBe(pieces.length)
})

test('a request whose server sends interim answers without end fails after a hundred of them', async () => {
  const interim = (count: number) => 'HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n'.repeat(count)
  const answer = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}'
  const client = createHttpClient({ policy: () => ({ allowedHosts: ['127.0.0.1'], allowedOrigins: [] }) })
  closers.add(() => client.close())
  const send = async (bytes: string) => getBytes(client, await serverOf(Buffer.from(bytes)))
  await expect(send(interim(INTERIM_ANSWERS_MAX + 1) + answer)).rejects.toMatchObject({
    code: 'HTTP_NETWORK',
    message: expect.stringContaining('interim answers'),
  })
  const bytes = await send(interim(INTERIM_ANSWERS_MAX) + answer)
  expect(bytes.toString()).toBe('{}')
})
