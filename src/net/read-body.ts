import { pipeline, Readable, type Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'

export interface ReadBody {
  readonly bytes: Buffer
  /** Whether there was more than the limit. */
  readonly isCut: boolean
}

/** The bytes of an answer that are read before memory is reserved for it. */
export const RECEIVED_FREELY_BYTES = 64 * 1024

/** The memory that an answer of unknown length waits for, in bytes. What it takes beyond that is counted, and does not wait. */
export const UNKNOWN_ANSWER_BYTES = 1024 * 1024

export interface BodyBounds {
  readonly contentEncoding: string
  /** The length that the answer announces, in bytes; null: it announces none. */
  readonly contentLength: number | null
  readonly maxBytes: number
  /** Resolves once there is memory for so many bytes of this answer. Nothing more is read before. */
  readonly reserve: (bytes: number) => Promise<void>
}

/**
 * Reads a body up to a limit and lets go of the rest. What counts is decoded bytes: a small compressed body may hold
 * any amount. The bytes that have arrived are held until the last one arrives, which may take as long as the sender likes, so
 * memory is reserved for them first.
 */
export async function readBody(body: Readable, bounds: BodyBounds): Promise<ReadBody> {
  const { contentEncoding, maxBytes } = bounds
  const chunks: Buffer[] = []
  let room = maxBytes
  let reserved = RECEIVED_FREELY_BYTES
  let isCut = false
  try {
    for await (const chunk of decoded(body, contentEncoding)) {
      chunks.push(chunk.subarray(0, room))
      isCut = chunk.length > room
      if (isCut) break
      room -= chunk.length
      const received = maxBytes - room
      if (received <= reserved) continue
      reserved = Math.max(received, expectedBytes(bounds), 2 * reserved)
      await bounds.reserve(Math.min(reserved, maxBytes))
    }
  } finally {
    letGo(body)
  }
  return { bytes: Buffer.concat(chunks), isCut }
}

/** The length that a compressed answer announces is not that of what is held. */
function expectedBytes({ contentEncoding, contentLength, maxBytes }: BodyBounds): number {
  const expected = contentEncoding === '' ? contentLength : null
  return Math.min(expected ?? UNKNOWN_ANSWER_BYTES, maxBytes)
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
