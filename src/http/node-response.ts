import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'

/** How long a client that was refused may go on sending, so that it gets to reading why. */
const LINGER_MS = 2_000

/** Keeps proxies from holding a stream's events back. */
const UNBUFFERED = { 'cache-control': 'no-cache, no-transform', 'x-accel-buffering': 'no' }

/** A refusal in the form of a GraphQL answer, which every client can read. */
export function refuse(status: number, code: string, message: string): Response {
  return Response.json({ errors: [{ message, extensions: { code } }] }, { status })
}

/** Writes an answer out; a stream only as fast as the client reads it, and until either side ends it. */
export async function sendResponse(
  response: Response,
  res: ServerResponse,
  serverStops: AbortSignal,
): Promise<void> {
  const headers = Object.fromEntries(
    Array.from(response.headers, ([name, value]) => [name.toLowerCase(), value]),
  )
  if (isStream(response) && response.body) {
    const { 'content-encoding': _none, ...rest } = headers
    res.writeHead(response.status, { ...rest, ...UNBUFFERED })
    return sendStream(response.body.getReader(), res, serverStops)
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

function isStream({ headers }: Response): boolean {
  return headers.get('content-type')?.startsWith('text/event-stream') ?? false
}

async function sendStream(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  res: ServerResponse,
  serverStops: AbortSignal,
): Promise<void> {
  // Also ends a read that is under way, and with it whatever stands behind the stream.
  const end = () => void reader.cancel()
  res.once('close', end)
  serverStops.addEventListener('abort', end, { once: true })
  try {
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
      if (!res.write(chunk.value)) await Promise.race([once(res, 'drain'), once(res, 'close')])
    }
  } finally {
    serverStops.removeEventListener('abort', end)
    res.end()
  }
}
