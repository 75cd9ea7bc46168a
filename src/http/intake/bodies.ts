import type { IncomingMessage } from 'node:http'
import { isTurnOver, yieldToEventLoop } from '../../lib/turns/index.ts'
import { VALUE_WEIGHT_BYTES, type BodyBudget } from './body-budget.ts'
import { JsonStructure, tooComplexMessage, type StructureExcess } from './json-structure.ts'
import { RefusedRequestError } from './refused-request.ts'

/** How much room a body gets at first, in bytes. */
const FIRST_BYTES = 4 * 1024

/** Maximum bytes of a request body, and of a WebSocket message (D6). */
export const BODY_MAX_BYTES = 6 * 1024 * 1024

/**
 * Maximum bytes on the wire beside the bytes of a body: a part of them, and 64 KiB for what follows in the same packet. A body in
 * chunks of a few bytes takes 5 µs for each of them, which is a hundred times what its bytes take.
 */
export const BODY_FRAMING_SHARE = 1 / 16
const FRAMING_FREE_BYTES = 64 * 1024

export interface BodyLimits {
  /** Maximum bytes of one body. */
  readonly maxBytes: number
  /** The budget of all bodies in flight. */
  readonly budget: BodyBudget
}

/** How large a request is. */
export interface RequestSize {
  /** In bytes. */
  readonly size: number
  /** The number of its JSON values. */
  readonly values: number
}

/** A body that was read. */
export interface Body extends RequestSize {
  /** The bytes. They are returned once, so that nothing holds them while the request is executed. */
  take(): Buffer
  /** Gives its part of the budget back, once the request is answered. */
  release(): void
}

/**
 * Reads the whole JSON body of an admitted sender, and counts its structure on the bytes as they arrive. Stops at the
 * first limit, whatever the headers claim; the rest is left unread. Throws 413 `BODY_TOO_LARGE` and `BODY_TOO_COMPLEX`,
 * 429 `TOO_MANY_UPLOADS` and 503 `SERVER_OVERLOADED`.
 */
export type ReadBody = (req: IncomingMessage, sender: string) => Promise<Body>

export function createBodyReader({ maxBytes, budget }: BodyLimits): ReadBody {
  return async (req, sender) => {
    if (Number(req.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes)
    const hold = budget.hold(sender)
    const structure = new JsonStructure()
    // Copied together: a list of chunks of a byte each takes a hundred times their bytes.
    let held = Buffer.allocUnsafe(FIRST_BYTES)
    let size = 0
    const { bytesRead: readBefore } = req.socket
    try {
      for await (const chunk of req.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        if (size + chunk.length > maxBytes) throw tooLarge(maxBytes)
        const excess = structure.write(chunk)
        if (excess) throw tooComplex(excess)
        hold.add(chunk.length)
        held = append(held, size, chunk)
        size += chunk.length
        const framing = req.socket.bytesRead - readBefore - size
        if (framing > FRAMING_FREE_BYTES + BODY_FRAMING_SHARE * size) throw tooManyChunks()
        // One read of a socket may deliver megabytes in chunks, and many sockets may be read in one turn.
        if (isTurnOver()) await yieldToEventLoop()
      }
      // Values take memory once they are parsed.
      hold.add(VALUE_WEIGHT_BYTES * structure.values)
    } catch (fault) {
      hold.release()
      throw fault
    }
    return {
      size,
      values: structure.values,
      take() {
        const bytes = held.subarray(0, size)
        held = Buffer.alloc(0)
        return bytes
      },
      release: hold.release,
    }
  }
}

/** Writes a chunk behind the first `size` bytes, into a buffer of twice the size where it does not fit. */
function append(held: Buffer<ArrayBuffer>, size: number, chunk: Buffer): Buffer<ArrayBuffer> {
  let room = held
  if (size + chunk.length > held.length) {
    room = Buffer.allocUnsafe(Math.max(2 * held.length, size + chunk.length))
    held.copy(room, 0, 0, size)
  }
  chunk.copy(room, size)
  return room
}

function tooLarge(maxBytes: number): RefusedRequestError {
  const message = `A request has at most ${maxBytes} bytes.`
  return new RefusedRequestError({ status: 413, code: 'BODY_TOO_LARGE', message })
}

function tooManyChunks(): RefusedRequestError {
  const message =
    'The request body comes in very small chunks. Send it with a `content-length`, or in chunks of at least 1 KiB.'
  return new RefusedRequestError({ status: 413, code: 'BODY_TOO_COMPLEX', message })
}

/** 413 `BODY_TOO_COMPLEX`. */
export function tooComplex(excess: StructureExcess): RefusedRequestError {
  return new RefusedRequestError({
    status: 413,
    code: 'BODY_TOO_COMPLEX',
    message: tooComplexMessage(excess),
  })
}
