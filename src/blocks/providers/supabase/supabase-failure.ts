import { z } from 'zod'
import { statusKind, type FailureKind, type ProviderAnswer, type ProviderFailure } from '../shared/index.ts'

const STATUS_KINDS: Readonly<Record<number, FailureKind>> = {
  413: 'invalidRequest',
  416: 'invalidRequest',
  422: 'invalidRequest',
}

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
  return code === INSUFFICIENT_PRIVILEGE ? 'forbidden' : statusKind(status, STATUS_KINDS)
}
