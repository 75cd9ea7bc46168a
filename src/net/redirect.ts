import { parseHttpUrl, type HttpMethod } from './http-request.ts'

const REDIRECT_STATUSES: readonly number[] = [301, 302, 303, 307, 308]
// A secret may hide under any header's name, so another origin gets only what cannot hold one.
const SENT_TO_OTHER_ORIGINS: ReadonlySet<string> = new Set([
  'accept',
  'accept-encoding',
  'accept-language',
  'content-type',
  'idempotency-key',
  'user-agent',
])

/** One request on the way through redirects. */
export interface Hop {
  readonly method: HttpMethod
  readonly url: URL
  readonly headers: ReadonlyMap<string, string>
  readonly body: string | Uint8Array | null
}

/**
 * The request that an answer redirects to, or null when it is no redirect. As browsers do (the Fetch standard's
 * HTTP-redirect fetch): 303 turns everything but HEAD into GET, 301 and 302 turn POST into GET, 307 and 308 repeat the
 * request. Throws `HTTP_INVALID_URL`.
 */
export function nextHop(hop: Hop, status: number, location: string | undefined): Hop | null {
  if (!location || !REDIRECT_STATUSES.includes(status)) return null
  const url = parseHttpUrl(location, hop.url)
  const becomesGet = status === 303 ? hop.method !== 'HEAD' : status < 303 && hop.method === 'POST'
  const headers = [...hop.headers].filter(
    ([name]) =>
      (url.origin === hop.url.origin || SENT_TO_OTHER_ORIGINS.has(name)) &&
      !(becomesGet && name.startsWith('content-')),
  )
  return becomesGet
    ? { method: 'GET', url, headers: new Map(headers), body: null }
    : { ...hop, url, headers: new Map(headers) }
}
