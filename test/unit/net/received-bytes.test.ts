import { expect, test } from '@jest/globals'
import { ReceivedBytes } from '../../../src/net/received-bytes.ts'
import { fc } from '../../support/fast-check.ts'

test('bytes that arrive in pieces of any length are the same bytes in the same order', () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 20 }),
    fc.uint8Array({ minLength: 15_000, maxLength: 40_000 }),
    fc.uint8Array({ minLength: 3_000, maxLength: 6_000 }),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const received = new ReceivedBytes()
      for (const one of pieces) received.append(Buffer.from(one))
      expect(Buffer.compare(received.bytes(), Buffer.concat(pieces))).toBe(0)
    }),
    { numRuns: 50 },
  )
})

test('an answer in pieces of one byte keeps none of the buffers that its pieces are parts of', () => {
  const received = new ReceivedBytes()
  const large = Buffer.alloc(64 * 1024, 'x')
  for (let index = 0; index < 100_000; index++)
    received.append(large.subarray(index % 1_000, (index % 1_000) + 1))
  const bytes = received.bytes()
  expect(bytes.length).toBe(100_000)
  expect(bytes.buffer).not.toBe(large.buffer)
})
