import { z } from 'zod'
import type { FailureKind, ProviderAnswer, ProviderFailure } from '../shared/index.ts'
import { readUsage } from './meta-usage.ts'

const errorSchema = z.looseObject({
  error: z.looseObject({
    message: z.string().default('no message'),
    code: z.number().default(0),
    error_subcode: z.number().nullish(),
    error_user_title: z.string().nullish(),
    error_user_msg: z.string().nullish(),
    is_transient: z.boolean().nullish(),
    fbtrace_id: z.string().nullish(),
  }),
})
type MetaError = z.output<typeof errorSchema>['error']

const MINUTE_MS = 60_000
const CALL_LIMITS: readonly number[] = [4, 17, 32, 341, 613]

/**
 * Why an answer of the Graph API is no success; null when it is one. An error may come under any status, 200 included:
 * its code decides (developers.facebook.com/docs/graph-api/guides/error-handling).
 */
export function metaFailure(answer: ProviderAnswer): ProviderFailure | null {
  const { status, text, json } = answer
  const error = errorSchema.safeParse(json).data?.error
  if (error) return failureOf(error, answer)
  if (status >= 200 && status < 300) return null
  return { kind: status >= 500 ? 'unavailable' : 'refused', message: text || `status ${status}` }
}

function failureOf(error: MetaError, answer: ProviderAnswer): ProviderFailure {
  const { code, error_subcode: subcode, fbtrace_id: traceId } = error
  const kind = kindOf(error)
  const regainMinutes = kind === 'rateLimited' ? readUsage(answer).regainMinutes : 0
  const words = [error.error_user_title, error.error_user_msg].filter(Boolean).join(': ')
  return {
    kind,
    message: words === '' ? error.message : `${error.message} (${words})`,
    reason: subcode == null ? `${code}` : `${code}/${subcode}`,
    ...(regainMinutes > 0 && { retryAfterMs: regainMinutes * MINUTE_MS }),
    details: { ...(traceId != null && { traceId }) },
  }
}

function kindOf({ code, is_transient }: MetaError): FailureKind {
  if (CALL_LIMITS.includes(code) || (code >= 80_000 && code <= 80_014)) return 'rateLimited'
  if (code === 1 || code === 2 || is_transient === true) return 'unavailable'
  if (code === 102 || code === 190) return 'unauthorized'
  if (code === 10 || (code >= 200 && code <= 299)) return 'forbidden'
  return code === 100 || code === 2635 ? 'invalidRequest' : 'refused'
}
