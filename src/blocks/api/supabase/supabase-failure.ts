import { z } from 'zod'
import type { ProviderAnswer } from '../provider/provider-answer.ts'
import type { FailureKind, ProviderFailure } from '../provider/provider-error.ts'

const INSUFFICIENT_PRIVILEGE = '42501'

/** PostgREST's form; the gateway before it gives `message` and `hint` alone. */
const problemSchema = z.looseObject({
  message: z.string(),
  code: z.string().nullish(),
  details: z.string().nullish(),
  hint: z.string().nullish(),
})

/** Why an answer of PostgREST is no success; null when it is one. */
export function supabaseFailure({ status, json, text }: ProviderAnswer): ProviderFailure | null {
  if (status >= 200 && status < 300) return null
  const problem = problemSchema.safeParse(json).data
  if (!problem) return { kind: kindOf(status, null), message: text || `status ${status}` }
  const { message, code, details, hint } = problem
  return {
    kind: kindOf(status, code ?? null),
    message: [message, details, hint].filter(Boolean).join(' — '),
    ...(code != null && { reason: code }),
  }
}

function kindOf(status: number, code: string | null): FailureKind {
  // To somebody without an account it is told under 401.
  if (code === INSUFFICIENT_PRIVILEGE) return 'forbidden'
  switch (status) {
    case 400:
    case 413:
    case 416:
    case 422:
      return 'invalidRequest'
    case 401:
      return 'unauthorized'
    case 403:
      return 'forbidden'
    case 404:
      return 'notFound'
    case 408:
      return 'unavailable'
    case 429:
      return 'rateLimited'
    default:
      return status >= 500 ? 'unavailable' : 'refused'
  }
}
