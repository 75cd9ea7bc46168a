import type { ArrivingAnswer } from '../engine/block/index.ts'
import { inOneGo, type Pieces } from '../lib/turns/index.ts'
import { ReceivedBytes } from './received-bytes.ts'
import { pipeline, Readable, type Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'

export interface ReadBody {
  readonly bytes: Buffer
  /** Whether there was more than the limit. */
  readonly isCut: boolean
}

interface BodyBounds {
  readonly contentEncoding: string
  readonly maxBytes: number
  /** Where the bytes are counted. */
  readonly arriving: Pick<ArrivingAnswer, 'take'>
}

/**
 * The bytes by which a body may exceed its limit before a content encoding is removed. Encoded bytes count as well as decoded ones:
 * a few bytes can unfold into an endless stream that the next encoding turns into nothing.
 */
export const ENCODED_EXCESS_BYTES = 256 * 1024

/**
 * Reads a body up to a limit and drops the rest. Decoded bytes count: a small compressed body may hold any amount. No more is read
 * until there is memory for what has arrived.
 */
export async function readBody(body: Readable, bounds: BodyBounds): Promise<ReadBody> {
  const { contentEncoding, maxBytes, arriving } = bounds
  const received = new ReceivedBytes()
  let room = maxBytes
  let isCut = false
  try {
    for await (const chunk of decoded(body, contentEncoding, maxBytes + ENCODED_EXCESS_BYTES)) {
      received.append(chunk.subarray(0, room))
      isCut = chunk.length > room
      if (isCut) break
      room -= chunk.length
      await arriving.take(chunk.length)
    }
  } catch (failure) {
    if (!(failure instanceof TooManyEncodedBytes)) throw failure
    isCut = true
  } finally {
    letGo(body)
  }
  return { bytes: received.bytes(), isCut }
}

/** Ends the connection of a body that nobody will read to its end; nothing happens to one that has been. */
export function letGo(body: Readable): void {
  body.on('error', () => undefined).destroy()
}

/** The text of a body in the charset of its content type; UTF-8 where it names none that is known. */
export function decodeText(bytes: Buffer, contentType: string): string {
  return inOneGo(textPieces(bytes, contentType))
}

/** The bytes that are decoded before other work has the thread. Invalid bytes of some charsets take 40 ns each. */
const TEXT_PIECE_BYTES = 128 * 1024

/** `decodeText` in pieces. */
export function* textPieces(bytes: Buffer, contentType: string): Pieces<string> {
  const decoder = decoderOf(contentType)
  let text = ''
  for (let at = 0; at < bytes.length; at += TEXT_PIECE_BYTES) {
    text += decoder.decode(bytes.subarray(at, at + TEXT_PIECE_BYTES), { stream: true })
    yield
  }
  return text + decoder.decode()
}

function decoderOf(contentType: string): TextDecoder {
  const [, charset = 'utf-8'] = /;\s*charset="?([^";\s]+)/i.exec(contentType) ?? []
  try {
    return new TextDecoder(charset)
  } catch {
    return new TextDecoder()
  }
}

const DECODERS: ReadonlyMap<string, () => Transform> = new Map([
  ['gzip', createGunzip],
  ['x-gzip', createGunzip],
  ['deflate', createInflate],
  ['br', createBrotliDecompress],
])
const MAX_ENCODINGS = 3

/**
 * A body without its content encodings. What is encoded in an unknown way is left as it is, as browsers do: some servers write a charset there.
 * Fails once more than `maxEncodedBytes` bytes have come before an encoding is removed; default: no limit.
 */
export function decoded(
  body: Readable,
  contentEncoding: string,
  maxEncodedBytes = Number.POSITIVE_INFINITY,
): AsyncIterable<Buffer> {
  // A regular expression that skips white space would take quadratic time for a header that is full of it.
  const encodings = contentEncoding.toLowerCase().split(',')
  const decoders = encodings.flatMap((encoding) => DECODERS.get(encoding.trim()) ?? [])
  // No server applies an encoding twice, and each decoder of brotli takes up to 16 MiB.
  const isRepeated = new Set(decoders).size < decoders.length
  if (decoders.length < encodings.length || decoders.length > MAX_ENCODINGS || isRepeated) return body
  return decompressed(body, decoders.reverse(), maxEncodedBytes)
}

/** Waits for a first chunk: nothing at all cannot be decompressed, but is called compressed (by HEAD, by 204, by 201). */
async function* decompressed(
  body: Readable,
  decoders: readonly (() => Transform)[],
  maxEncodedBytes: number,
): AsyncGenerator<Buffer, void, undefined> {
  const chunks: AsyncIterableIterator<Buffer> = body[Symbol.asyncIterator]()
  const first = await chunks.next()
  if (first.done) return
  async function* all(): AsyncGenerator<Buffer, void, undefined> {
    yield first.value as Buffer
    yield* chunks
  }
  const counted = (source: AsyncIterable<Buffer>) => atMost(maxEncodedBytes, source)
  // A pipeline takes generators between streams, which its types do not say of a list.
  const streams = [
    Readable.from(all()),
    ...decoders.flatMap((createDecoder) => [counted, createDecoder()]),
  ] as unknown as readonly Transform[]
  // Nothing to do at its end: an error of any part reaches the reader of the last one.
  yield* pipeline(streams, () => undefined) as unknown as AsyncIterable<Buffer>
}

async function* atMost(
  maxBytes: number,
  source: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer, void, undefined> {
  let room = maxBytes
  for await (const chunk of source) {
    room -= chunk.length
    if (room < 0) throw new TooManyEncodedBytes()
    yield chunk
  }
}

class TooManyEncodedBytes extends Error {}
