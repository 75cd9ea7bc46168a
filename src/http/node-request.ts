import type { IncomingMessage, ServerResponse } from 'node:http'

/** Where a request goes on this server; null for a target that is no path, such as `*` or a whole URL. */
export function requestUrl({ url = '', headers }: IncomingMessage): URL | null {
  const whole = `http://${headers.host ?? 'localhost'}${url}`
  return url.startsWith('/') && URL.canParse(whole) ? new URL(whole) : null
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
