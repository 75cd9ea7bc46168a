import type { Refusal } from './refused-request.ts'

/** When a request may be sent again that met an outage of the database, in seconds. */
export const UNAVAILABLE_RETRY_AFTER_S = 2

/** Refuses a request that needs the database while that fails. */
export const SERVICE_UNAVAILABLE = {
  status: 503,
  code: 'SERVICE_UNAVAILABLE',
  message: 'The database is not available now. Send the request again in a few seconds.',
  headers: { 'retry-after': String(UNAVAILABLE_RETRY_AFTER_S) },
} as const satisfies Refusal
