import type { IncomingMessage } from 'node:http'
import { RefusedRequestError } from './refused-request.ts'

/** How long a sender has to wait whose uploads take all the room that it has. */
const RETRY_S = 5

export interface BodyLimits {
  /** Of one body. */
  readonly maxBytes: number
  /** Of all bodies of one sender that are still on their way, together. */
  readonly maxBytesOfSender: number
}

/**
 * Reads a whole body for somebody who was let in. Stops at the limits, whatever the headers claim; the rest is left to be
 * read. Throws 413 `BODY_TOO_LARGE` and 429 `TOO_MANY_UPLOADS`.
 */
export type ReadBody = (req: IncomingMessage, sender: string) => Promise<Buffer>

export function createBodyReader({ maxBytes, maxBytesOfSender }: BodyLimits): ReadBody {
  /** What is held of bodies that are not whole yet. */
  const held = new Map<string, number>()
  const hold = (sender: string, change: number) => {
    const bytes = (held.get(sender) ?? 0) + change
    if (bytes > 0) held.set(sender, bytes)
    else held.delete(sender)
    return bytes
  }
  return async (req, sender) => {
    if (Number(req.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes)
    const chunks: Buffer[] = []
    let bytes = 0
    try {
      for await (const chunk of req.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        bytes += chunk.length
        const ofSender = hold(sender, chunk.length)
        if (bytes > maxBytes) throw tooLarge(maxBytes)
        if (ofSender > maxBytesOfSender) throw tooMany(maxBytesOfSender)
        chunks.push(chunk)
      }
    } finally {
      hold(sender, -bytes)
    }
    return Buffer.concat(chunks)
  }
}

function tooLarge(maxBytes: number): RefusedRequestError {
  const message = `A request has at most ${maxBytes} bytes.`
  return new RefusedRequestError({ status: 413, code: 'BODY_TOO_LARGE', message })
}

function tooMany(maxBytes: number): RefusedRequestError {
  return new RefusedRequestError({
    status: 429,
    code: 'TOO_MANY_UPLOADS',
    message: `Of what you send at the same time, at most ${maxBytes} bytes are held: send one after another.`,
    headers: { 'retry-after': String(RETRY_S) },
  })
}
