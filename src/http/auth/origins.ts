import type { IncomingMessage } from 'node:http'
import { isLoopback } from '../../access/index.ts'

const HOST = /^(?<name>\[[\d:a-f]+\]|[\d.a-z-]+)(:\d+)?$/i
type Headers = Readonly<Record<string, string>>

const NONE: Headers = {}
const VARIES: Headers = { vary: 'origin' }
/** How long a browser may remember an answer about CORS. */
const PREFLIGHT_S = 7_200

export interface OriginRules {
  /** Origins of the front ends that may use this server from a browser, beside its own. */
  readonly allowed: readonly string[]
  /** True when nobody is asked for a credential: then a page must not get here by any trick. */
  readonly isLocal: boolean
}

export interface Origins {
  /** Why a request must be refused although it got here, or null. */
  distrust(req: IncomingMessage): string | null
  /** What a browser must be told, so that a page of another origin may read the answer. */
  headersFor(req: IncomingMessage): Headers
  /** Whether a browser asks beforehand if a page may send such a request. */
  isPreflight(req: IncomingMessage): boolean
}

/**
 * Which pages may use this server. A page of some other site can make a browser here send requests: by a name of its own
 * that resolves to 127.0.0.1 (the Host header tells), or by a WebSocket, which no CORS rule holds back (the Origin header
 * tells). Programs send no Origin.
 */
export function createOrigins({ allowed, isLocal }: OriginRules): Origins {
  const isOwn = ({ headers: { origin, host = '' } }: IncomingMessage) =>
    // Behind a proxy that ends TLS a page of this server has come by https.
    origin === `http://${host}` || (!isLocal && origin === `https://${host}`)
  const isAllowed = ({ headers: { origin } }: IncomingMessage) =>
    origin !== undefined && allowed.includes(origin)
  return {
    distrust(req) {
      const { origin, host = '' } = req.headers
      if (isLocal && !isLoopback(HOST.exec(host)?.groups?.name ?? '')) {
        return `The host "${host}" is not served here; use 127.0.0.1 or localhost.`
      }
      if (origin === undefined || isOwn(req) || isAllowed(req)) return null
      return `Pages of "${origin}" may not use this server; LUME_CORS_ORIGINS names those that may.`
    },
    headersFor(req) {
      if (allowed.length === 0) return NONE
      const { origin } = req.headers
      if (origin === undefined || !isAllowed(req)) return VARIES
      return {
        ...VARIES,
        'access-control-allow-origin': origin,
        'access-control-expose-headers': 'retry-after, www-authenticate',
        ...(isPreflight(req) ? preflightHeaders(req) : {}),
      }
    },
    isPreflight,
  }
}

function isPreflight({ method, headers }: IncomingMessage): boolean {
  return (
    method === 'OPTIONS' &&
    headers.origin !== undefined &&
    headers['access-control-request-method'] !== undefined
  )
}

/** No cookie counts here, so that a page which may use the server at all may send any header. */
function preflightHeaders({ headers }: IncomingMessage): Headers {
  return {
    vary: 'origin, access-control-request-headers',
    'access-control-allow-methods': 'GET, POST',
    'access-control-allow-headers':
      headers['access-control-request-headers'] ?? 'authorization, content-type',
    'access-control-max-age': String(PREFLIGHT_S),
  }
}
