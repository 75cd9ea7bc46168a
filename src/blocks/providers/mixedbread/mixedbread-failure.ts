import { z } from 'zod'
import { statusKind, type FailureKind, type ProviderAnswer, type ProviderFailure } from '../shared/index.ts'

const STATUS_KINDS: Readonly<Record<number, FailureKind>> = {
  402: 'outOfCredits',
  409: 'unavailable',
  413: 'invalidRequest',
  422: 'invalidRequest',
}

/** The three forms in which Mixedbread tells what is wrong: by its gateway, by its API, by its validation. */
const problemSchema = z.union([
  z
    .looseObject({ error: z.looseObject({ message: z.string(), type: z.string().nullish() }) })
    .transform(({ error }) => ({ message: error.message, reason: error.type, waitS: undefined })),
  z
    .looseObject({
      detail: z
        .array(z.looseObject({ loc: z.array(z.union([z.string(), z.number()])), msg: z.string() }))
        .min(1),
    })
    .transform(({ detail }) => ({
      message: detail.map(({ loc, msg }) => `${loc.join('.')}: ${msg}`).join('; '),
      reason: undefined,
      waitS: undefined,
    })),
  z
    .looseObject({
      message: z.string(),
      type: z.string().nullish(),
      details: z.looseObject({ retry_after: z.number().optional() }).nullish(),
    })
    .transform(({ message, type, details }) => ({ message, reason: type, waitS: details?.retry_after })),
])

/** Why an answer of Mixedbread is no success; null when it is one. */
export function mixedbreadFailure({ status, json, text }: ProviderAnswer): ProviderFailure | null {
  if (status >= 200 && status < 300) return null
  const problem = problemSchema.safeParse(json).data
  return {
    kind: statusKind(status, STATUS_KINDS),
    message: problem?.message ?? (text || `status ${status}`),
    ...(problem?.reason != null && { reason: problem.reason }),
    ...(problem?.waitS !== undefined && { retryAfterMs: problem.waitS * 1_000 }),
  }
}
