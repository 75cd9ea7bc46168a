import type { IncomingHttpHeaders } from 'node:http'

const BEARER = /^bearer +(?<credential>\S+) *$/i

/** The key or token of a request: `Authorization: Bearer …`, or `X-API-Key`. Null: it has none, or one of another scheme. */
export function credentialOfHeaders(headers: IncomingHttpHeaders): string | null {
  const key = headers['x-api-key']
  return bearerOf(headers.authorization) ?? (typeof key === 'string' && key !== '' ? key : null)
}

/** The same of a WebSocket's first message: `authorization`, with or without `Bearer`, or `apiKey`. */
export function credentialOfParams(params: Readonly<Record<string, unknown>> | undefined): string | null {
  const { authorization, Authorization, apiKey } = params ?? {}
  for (const given of [authorization, Authorization, apiKey]) {
    if (typeof given === 'string' && given !== '') return bearerOf(given) ?? given
  }
  return null
}

function bearerOf(text: string | undefined): string | null {
  return BEARER.exec(text ?? '')?.groups?.credential ?? null
}
