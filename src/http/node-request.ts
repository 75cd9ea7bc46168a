import type { IncomingMessage, ServerResponse } from 'node:http'

/** A body above the limit. */
export class BodyTooLargeError extends Error {
  override readonly name = 'BodyTooLargeError'
}

/** Where a request goes on this server; null for a target that is no path, such as `*` or a whole URL. */
export function requestUrl({ url = '', headers }: IncomingMessage): URL | null {
  const whole = `http://${headers.host ?? 'localhost'}${url}`
  return url.startsWith('/') && URL.canParse(whole) ? new URL(whole) : null
}

/** Reads a whole body and stops at the limit, whatever the headers claim; the rest is left to be read. */
export async function readBody(req: IncomingMessage, maxBytes: number): Promise<Buffer | null> {
  if (req.method === 'GET' || req.method === 'HEAD') return null
  if (Number(req.headers['content-length'] ?? 0) > maxBytes)
    throw new BodyTooLargeError('the body is too large')
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of req.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > maxBytes) throw new BodyTooLargeError('the body is too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** The same request in the shape of the web's standard; its signal aborts when the client goes away. */
export function toWebRequest(
  message: { req: IncomingMessage; res: ServerResponse; url: URL; body: Buffer | null },
  RequestType: typeof Request,
): Request {
  const { req, res, url, body } = message
  const gone = new AbortController()
  res.once('close', () => gone.abort())
  const headers = new Headers()
  for (const [name, value] of Object.entries(req.headers)) {
    for (const one of Array.isArray(value) ? value : [value ?? '']) headers.append(name, one)
  }
  return new RequestType(url, {
    method: req.method ?? 'GET',
    headers,
    body: body && new Uint8Array(body),
    signal: gone.signal,
  })
}
