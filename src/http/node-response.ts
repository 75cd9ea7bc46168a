import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'

/** How long a client that was refused may go on sending, so that it gets to reading why. */
const LINGER_MS = 2_000

/** Keeps proxies from holding a stream's events back. */
const UNBUFFERED = { 'cache-control': 'no-cache, no-transform', 'x-accel-buffering': 'no' }

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

/** What ends a stream before its time. */
export interface StreamEnds {
  readonly serverStops: AbortSignal
  /** The client is told so in a last result, since it would be refused if it came back. */
  readonly credentialEnds: AbortSignal
}

/** Writes an answer out; a stream only as fast as the client reads it, and until either side ends it. */
export async function sendResponse(
  response: Response,
  res: ServerResponse,
  { serverStops, credentialEnds }: StreamEnds,
): Promise<void> {
  const headers = Object.fromEntries(
    Array.from(response.headers, ([name, value]) => [name.toLowerCase(), value]),
  )
  if (isStream(response) && response.body) {
    const { 'content-encoding': _none, ...rest } = headers
    res.writeHead(response.status, { ...rest, ...UNBUFFERED })
    return sendStream(response.body.getReader(), res, { serverStops, credentialEnds })
  }
  const text = await response.text()
  if (res.req.complete) return void res.writeHead(response.status, headers).end(text)
  res.writeHead(response.status, {
    ...headers,
    'content-length': Buffer.byteLength(text),
    connection: 'close',
  })
  res.write(text)
  await discardRest(res.req)
  res.end()
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
  { serverStops, credentialEnds }: StreamEnds,
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
      if (!res.write(chunk.value)) await Promise.race([once(res, 'drain'), once(res, 'close')])
    }
    if (credentialEnds.aborted) res.write(CREDENTIAL_ENDED)
  } finally {
    for (const signal of signals) signal.removeEventListener('abort', end)
    res.end()
  }
}
