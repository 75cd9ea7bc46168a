import { BlockError } from '../engine/block/index.ts'

export const HTTP_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const
export type HttpMethod = (typeof HTTP_METHODS)[number]

/** A request that is known to be well-formed. */
export interface HttpRequest {
  readonly method: HttpMethod
  readonly url: URL
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: string | Uint8Array | null
  /** For everything together: connecting, redirects, headers, body. */
  readonly timeoutMs: number
  readonly followRedirects: boolean
  /** Whether an answer other than 2xx is an error. */
  readonly failOnStatus: boolean
  /** Counted after decompression. */
  readonly maxResponseBytes: number
  /** Whether the request may be sent again when its fate is unknown or the server says "later". */
  readonly isRepeatable: boolean
}

/**
 * Reads an absolute http or https URL, or one relative to `base`. Throws `HTTP_INVALID_URL`, also for credentials in
 * it (they belong in a header, where they are not logged on the way) and for control characters (which a `URL` drops
 * silently).
 */
export function parseHttpUrl(text: string, base?: URL): URL {
  if (/\p{Cc}/u.test(text)) throw invalidUrl('holds a line break or another control character')
  if (!URL.canParse(text, base?.href)) throw invalidUrl('is not an absolute http or https URL')
  const url = new URL(text, base)
  if (!['http:', 'https:'].includes(url.protocol)) throw invalidUrl(`has the scheme "${url.protocol}"`)
  if (url.username || url.password) throw invalidUrl('holds credentials: send them in a header instead')
  url.hash = ''
  return url

  function invalidUrl(problem: string): BlockError {
    return new BlockError(
      'HTTP_INVALID_URL',
      `${base ? `the redirect of ${base.origin}` : 'the URL'} ${problem}`,
    )
  }
}

// Those that describe the connection instead of the request (RFC 9110 section 7.6.1), or that the client computes.
const FORBIDDEN_HEADERS = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'te',
  'trailer',
  'upgrade',
  'expect',
])

/** Checks headers by hand before any of them is sent. Throws `HTTP_INVALID_HEADER`, never naming a value. */
export function parseHeaders(headers: Iterable<readonly [string, string]>): Map<string, string> {
  const parsed = new Map<string, string>()
  for (const [name, value] of headers) {
    const key = name.toLowerCase()
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) throw invalidHeader(name, 'is not a header name')
    if (FORBIDDEN_HEADERS.has(key) || key.startsWith('proxy-')) throw invalidHeader(name, 'cannot be set')
    // Of the control characters, headers may hold the tab alone.
    if (/(?!\t)\p{Cc}/u.test(value)) throw invalidHeader(name, 'has a line break or control character')
    if (/[^\t -\u00ff]/.test(value)) throw invalidHeader(name, 'has characters beyond Latin-1')
    parsed.set(key, value)
  }
  return parsed
}

function invalidHeader(name: string, problem: string): BlockError {
  return new BlockError('HTTP_INVALID_HEADER', `the header ${JSON.stringify(name)} ${problem}`)
}
