import { Readable } from 'node:stream'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { expect, test } from '@jest/globals'
import {
  decoded,
  decodeText,
  ENCODED_EXCESS_BYTES,
  readBody,
  textPieces,
} from '../../../src/net/read-body.ts'
import { fc } from '../../support/fast-check.ts'

const UNCOUNTED = { take: () => Promise.resolve() }
const brotli = (bytes: Buffer) =>
  brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })

test('a header of content encodings that is full of white space is read at once', () => {
  const body = Readable.from([Buffer.from('plain')])
  // A regular expression that takes quadratic time would run for hours.
  expect(decoded(body, `gzip${' '.repeat(5_000_000)}x`)).toBe(body)
})

test('an encoding that is named twice is not removed', () => {
  const body = Readable.from([Buffer.from('plain')])
  expect(decoded(body, 'br, br')).toBe(body)
})

test('a body whose encodings unfold into more than its limit is cut, also where its text is empty', async () => {
  // A member of gzip that holds nothing takes 20 bytes; all together they are an empty text.
  const nothing = gzipSync(Buffer.alloc(0))
  const members = Math.ceil((2 * ENCODED_EXCESS_BYTES) / nothing.length)
  const many = Buffer.concat(Array.from({ length: members }, () => nothing))
  const read = (bytes: Buffer, contentEncoding: string) =>
    readBody(Readable.from([bytes]), { contentEncoding, maxBytes: 1_000, arriving: UNCOUNTED })
  expect(await read(brotli(many), 'gzip, br')).toEqual({ bytes: Buffer.alloc(0), isCut: true })
  expect(await read(many, 'gzip')).toEqual({ bytes: Buffer.alloc(0), isCut: true })
  const few = many.subarray(0, 10 * nothing.length)
  expect(await read(brotli(few), 'gzip, br')).toEqual({ bytes: Buffer.alloc(0), isCut: false })
  expect((await read(brotli(gzipSync('text')), 'gzip, br')).bytes.toString()).toBe('text')
})

test('law: a text that is decoded in pieces is the same text, whatever its charset', () => {
  const charset = fc.constantFrom('utf-8', 'utf-16le', 'shift_jis', 'gb18030', 'iso-2022-jp', 'windows-1252')
  fc.assert(
    fc.property(charset, fc.uint8Array({ maxLength: 50 }), fc.nat({ max: 3 }), (name, some, shift) => {
      const bytes = Buffer.alloc(300_000 + shift, Buffer.from([...some, 65]))
      const decoder = new TextDecoder(name)
      const whole = decoder.decode(bytes, { stream: true }) + decoder.decode()
      expect(decodeText(bytes, `text/plain; charset=${name}`) === whole).toBe(true)
    }),
    { numRuns: 30 },
  )
})

test('a text of ten megabytes is decoded in at least fifty pieces', () => {
  const pieces = [...textPieces(Buffer.alloc(10_000_000, 0xff), 'text/plain; charset=shift_jis')]
  expect(pieces.length).toBeGreaterThanOrEqual(50)
})
