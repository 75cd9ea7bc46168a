import type { ArrivingAnswer } from '../engine/block/index.ts'
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
 * Reads a body up to a limit and drops the rest. Decoded bytes count: a small compressed body may hold any amount. No more is read
 * until there is memory for what has arrived.
 */
export async function readBody(body: Readable, bounds: BodyBounds): Promise<ReadBody> {
  const { contentEncoding, maxBytes, arriving } = bounds
  const received = new ReceivedBytes()
  let room = maxBytes
  let isCut = false
  try {
    for await (const chunk of decoded(body, contentEncoding)) {
      received.append(chunk.subarray(0, room))
      isCut = chunk.length > room
      if (isCut) break
      room -= chunk.length
      await arriving.take(chunk.length)
    }
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
  const [, charset = 'utf-8'] = /;\s*charset="?([^";\s]+)/i.exec(contentType) ?? []
  try {
    return new TextDecoder(charset).decode(bytes)
  } catch {
    return new TextDecoder().decode(bytes)
  }
}

const DECODERS: ReadonlyMap<string, () => Transform> = new Map([
  ['gzip', createGunzip],
  ['x-gzip', createGunzip],
  ['deflate', createInflate],
  ['br', createBrotliDecompress],
])
const MAX_ENCODINGS = 3

/** A body without its content encodings. What is encoded in an unknown way is left as it is, as browsers do: some servers write a charset there. */
export function decoded(body: Readable, contentEncoding: string): AsyncIterable<Buffer> {
  const encodings = contentEncoding.toLowerCase().split(/\s*,\s*/)
  const decoders = encodings.flatMap((encoding) => DECODERS.get(encoding) ?? [])
  if (decoders.length < encodings.length || decoders.length > MAX_ENCODINGS) return body
  return decompressed(body, decoders.reverse())
}

/** Waits for a first chunk: nothing at all cannot be decompressed, but is called compressed (by HEAD, by 204, by 201). */
async function* decompressed(
  body: Readable,
  decoders: readonly (() => Transform)[],
): AsyncGenerator<Buffer, void, undefined> {
  const chunks: AsyncIterableIterator<Buffer> = body[Symbol.asyncIterator]()
  const first = await chunks.next()
  if (first.done) return
  async function* all(): AsyncGenerator<Buffer, void, undefined> {
    yield first.value as Buffer
    yield* chunks
  }
  const streams = [Readable.from(all()), ...decoders.map((createDecoder) => createDecoder())]
  // Nothing to do at its end: an error of any part reaches the reader of the last one.
  yield* pipeline(streams, () => undefined) as unknown as AsyncIterable<Buffer>
}
