import type { IncomingMessage } from 'node:http'
import { PassThrough } from 'node:stream'
import { expect, test } from '@jest/globals'
import { createBodyReader } from '../../../src/http/bodies.ts'

function upload(): PassThrough & IncomingMessage {
  return Object.assign(new PassThrough(), { headers: {} }) as never
}

test('bodies of one sender that are on their way at the same time have a bound together', async () => {
  const read = createBodyReader({ maxBytes: 10, maxBytesOfSender: 15 })
  const [first, second, third, foreign] = [upload(), upload(), upload(), upload()]
  const firstRead = read(first, 'ada')
  first.write('x'.repeat(10))
  const foreignRead = read(foreign, 'bob')
  foreign.end('x'.repeat(10))
  expect(await foreignRead).toHaveLength(10)
  const secondRead = read(second, 'ada')
  second.write('x'.repeat(6))
  await expect(secondRead).rejects.toMatchObject({
    status: 429,
    code: 'TOO_MANY_UPLOADS',
    headers: { 'retry-after': expect.stringMatching(/^\d+$/) },
  })
  // What came whole makes room, as does what broke off.
  first.end()
  expect(await firstRead).toHaveLength(10)
  const thirdRead = read(third, 'ada')
  third.write('x'.repeat(10))
  third.destroy(new Error('gone'))
  await expect(thirdRead).rejects.toThrow('gone')
  const last = upload()
  last.end('x'.repeat(10))
  expect(await read(last, 'ada')).toHaveLength(10)
})

test('a body beyond the limit is refused by what it says, and by what it is', async () => {
  const read = createBodyReader({ maxBytes: 10, maxBytesOfSender: 15 })
  const lying = upload()
  lying.headers['content-length'] = '11'
  await expect(read(lying, 'ada')).rejects.toMatchObject({ status: 413, code: 'BODY_TOO_LARGE' })
  const silent = upload()
  silent.end('x'.repeat(11))
  await expect(read(silent, 'ada')).rejects.toMatchObject({ status: 413, code: 'BODY_TOO_LARGE' })
})
