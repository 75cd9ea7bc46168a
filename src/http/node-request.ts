import type { IncomingMessage, ServerResponse } from 'node:http'

/** A body above the limit; the connection is of no further use. */
export class BodyTooLargeError extends Error {
  override readonly name = 'BodyTooLargeError'
}

/** Reads a whole body and stops at the limit, whatever the headers claim. */
export async function readBody(req: IncomingMessage, maxBytes: number): Promise<Buffer | null> {
  if (req.method === 'GET' || req.method === 'HEAD') return null
  if (Number(req.headers['content-length'] ?? 0) > maxBytes)
    throw new BodyTooLargeError('the body is too large')
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of req as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > maxBytes) throw new BodyTooLargeError('the body is too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** The same request in the shape of the web's standard; its signal aborts when the client goes away. */
export function toWebRequest(
  message: { req: IncomingMessage; res: ServerResponse; body: Buffer | null },
  RequestType: typeof Request,
): Request {
  const { req, res, body } = message
  const gone = new AbortController()
  res.once('close', () => gone.abort())
  const headers = new Headers()
  for (const [name, value] of Object.entries(req.headers)) {
    for (const one of Array.isArray(value) ? value : [value ?? '']) headers.append(name, one)
  }
  const url = new URL(req.url ?? '/', `http://${req.headers.host ?? 'localhost'}`)
  return new RequestType(url, {
    method: req.method ?? 'GET',
    headers,
    body: body && new Uint8Array(body),
    signal: gone.signal,
  })
}
