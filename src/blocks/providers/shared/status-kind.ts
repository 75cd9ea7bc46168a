import type { FailureKind } from './provider-error.ts'

/** What a status means wherever a provider does not say otherwise (RFC 9110, section 15.5). */
const USUAL_KINDS: Readonly<Record<number, FailureKind>> = {
  400: 'invalidRequest',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'notFound',
  408: 'unavailable',
  429: 'rateLimited',
}

/** What a status that is no success comes to; `own` holds what the provider means by it, where that is its own. */
export function statusKind(status: number, own: Readonly<Record<number, FailureKind>>): FailureKind {
  return own[status] ?? USUAL_KINDS[status] ?? (status >= 500 ? 'unavailable' : 'refused')
}
