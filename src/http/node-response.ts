import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { UnsentBytes } from './intake/index.ts'

/** How long a client that was refused may go on sending, so that it gets to reading why. */
const LINGER_MS = 2_000

/** Keeps proxies from holding a stream's events back. */
const UNBUFFERED = { 'cache-control': 'no-cache, no-transform', 'x-accel-buffering': 'no' }

/** How much of an answer is handed to a connection at a time. */
const PIECE_BYTES = 64 * 1024

const CREDENTIAL_ENDED = `event: next\ndata: ${JSON.stringify({
  errors: [
    { message: 'The credential has expired or was revoked.', extensions: { code: 'UNAUTHENTICATED' } },
  ],
})}\n\nevent: complete\ndata:\n\n`

/** A refusal in the form of a GraphQL answer, which every client can read. */
export function refuse(
  status: number,
  code: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return Response.json({ errors: [{ message, extensions: { code } }] }, { status, headers })
}

/** How an answer is sent, and what ends a stream before its time. */
export interface Sending {
  /** Bounds what the client does not read. */
  readonly unsent: UnsentBytes
  /** Bytes in place of the response's own that many answers share; null: there are none. */
  readonly bytes: Buffer | null
  readonly serverStops: AbortSignal
  /** The client learns of it by a last result, since it would be refused if it came back. */
  readonly credentialEnds: AbortSignal
}

/**
 * Writes an answer out only as fast as the client reads it, a stream until either side ends it. A client that reads
 * nothing for some time is cut.
 */
export async function sendResponse(response: Response, res: ServerResponse, sending: Sending): Promise<void> {
  const headers = Object.fromEntries(
    Array.from(response.headers, ([name, value]) => [name.toLowerCase(), value]),
  )
  if (isStream(response) && response.body) {
    const { 'content-encoding': _none, ...rest } = headers
    res.writeHead(response.status, { ...rest, ...UNBUFFERED })
    return sendStream(response.body.getReader(), res, sending)
  }
  const shared = sending.bytes
  const bytes = shared ?? Buffer.from(await response.arrayBuffer())
  const isComplete = res.req.complete
  res.writeHead(response.status, {
    ...headers,
    ...(response.body === null && shared === null ? {} : { 'content-length': bytes.length }),
    ...(isComplete ? {} : { connection: 'close' }),
  })
  if (shared) await sendShared(shared, res, sending.unsent)
  else if (bytes.length > PIECE_BYTES) await sendBytes(bytes, res, sending.unsent)
  else if (bytes.length > 0) res.write(bytes)
  if (!isComplete) await discardRest(res.req)
  res.end()
}

/** Writes bytes in pieces, the next one when the client has read. Resolves when all are handed over, or it has gone. */
async function sendBytes(bytes: Uint8Array, res: ServerResponse, unsent: UnsentBytes): Promise<void> {
  const outbox = unsent.open(() => res.destroy())
  try {
    if (!outbox.add(bytes.length)) return
    for (let at = 0; at < bytes.length && !res.closed; at += PIECE_BYTES) {
      const piece = bytes.subarray(at, at + PIECE_BYTES)
      if (!res.write(piece)) await drained(res)
      outbox.sent(piece.length)
    }
  } finally {
    outbox.close()
  }
}

/** The same of bytes that are in memory anyway: only the piece that is being sent counts. */
async function sendShared(bytes: Buffer, res: ServerResponse, unsent: UnsentBytes): Promise<void> {
  for (let at = 0; at < bytes.length && !res.closed; at += PIECE_BYTES) {
    await sendBytes(bytes.subarray(at, at + PIECE_BYTES), res, unsent)
  }
}

/** Resolves when the whole response has been handed to the connection, or the connection has ended. */
export async function untilSent(res: ServerResponse): Promise<void> {
  if (res.writableFinished || res.closed) return
  await new Promise<void>((resolve) => {
    res.once('finish', resolve)
    res.once('close', resolve)
  })
}

async function drained(res: ServerResponse): Promise<void> {
  if (res.closed) return
  const over = new AbortController()
  const { signal } = over
  try {
    await Promise.race([once(res, 'drain', { signal }), once(res, 'close', { signal })])
  } finally {
    over.abort()
  }
}

/** A connection that is closed over unread bytes loses the answer, too: so they are read, for a while. */
async function discardRest(req: IncomingMessage): Promise<void> {
  if (req.closed) return
  const patience = setTimeout(() => req.destroy(), LINGER_MS)
  req.resume()
  await new Promise<void>((resolve) => req.once('close', resolve))
  clearTimeout(patience)
}

export function isStream({ headers }: Response): boolean {
  return headers.get('content-type')?.startsWith('text/event-stream') ?? false
}

async function sendStream(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  res: ServerResponse,
  { unsent, serverStops, credentialEnds }: Sending,
): Promise<void> {
  // Also ends a read that is under way, and with it whatever stands behind the stream.
  const end = () => void reader.cancel()
  res.once('close', end)
  if (res.closed) end()
  const signals = [serverStops, credentialEnds]
  for (const signal of signals) signal.addEventListener('abort', end, { once: true })
  if (signals.some(({ aborted }) => aborted)) end()
  try {
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
      await sendBytes(chunk.value, res, unsent)
    }
    if (credentialEnds.aborted) res.write(CREDENTIAL_ENDED)
  } finally {
    for (const signal of signals) signal.removeEventListener('abort', end)
    res.end()
  }
}
