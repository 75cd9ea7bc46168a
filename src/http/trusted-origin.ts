import type { IncomingMessage } from 'node:http'
import { isLoopback } from '../config.ts'

const HOST = /^(?<name>\[[\d:a-f]+\]|[\d.a-z-]+)(:\d+)?$/i

/**
 * Why a request must be refused although it comes from this machine, or null. A page of some other site can make a
 * browser here send requests: by a name of its own that resolves to 127.0.0.1 (the Host header tells), or by a WebSocket,
 * which no CORS rule holds back (the Origin header tells). Programs send no Origin.
 */
export function distrustOf(req: IncomingMessage): string | null {
  const host = req.headers.host ?? ''
  if (!isLoopback(HOST.exec(host)?.groups?.name ?? ''))
    return `The host "${host}" is not served here; use 127.0.0.1 or localhost.`
  const { origin } = req.headers
  if (origin === undefined || origin === `http://${host}`) return null
  return `Pages of "${origin}" may not use this server.`
}
