import { z } from 'zod'
import type { FailureKind, ProviderFailure } from '../shared/index.ts'

/** The object that OpenRouter puts in place of, beside or inside an answer. */
export const openRouterErrorSchema = z.looseObject({
  code: z.union([z.number(), z.string()]).optional(),
  message: z.string().optional(),
  metadata: z.looseObject({}).nullish(),
})
export type OpenRouterError = z.output<typeof openRouterErrorSchema>

const IN_FLIGHT_BUDGET = 'openrouter_in_flight_budget'
/** Members of a 403's metadata that tell that it was the content which was not liked. */
const CONTENT_MARKS = ['reasons', 'flagged_input', 'patterns']
/** The `error_type`s that another, smaller or tamer content would not run into. */
const CONTENT_REASONS: readonly string[] = [
  'context_length_exceeded',
  'max_tokens_exceeded',
  'token_limit_exceeded',
  'string_too_long',
  'payload_too_large',
  'invalid_prompt',
  'content_policy_violation',
  'refusal',
]

/** What an error comes to. `status` counts where the error names no code; OpenRouter says 200 once a model has started. */
export function openRouterFailure(error: OpenRouterError, status: number): ProviderFailure {
  const { metadata } = error
  const code = Number(error.code ?? status)
  const reason = metadata?.['error_type']
  const model = metadata?.['model_slug']
  const upstream = metadata?.['provider_name']
  return {
    kind: kindOf(code, metadata ?? {}),
    message: error.message ?? `error ${code}`,
    ...(typeof reason === 'string' && { reason }),
    details: {
      providerCode: code,
      ...(typeof model === 'string' && { model }),
      ...(typeof upstream === 'string' && { upstream }),
    },
  }
}

/** Whether the content is to blame, so that a part of it may well be answered. */
export function isAboutContent({ kind, reason }: Pick<ProviderFailure, 'kind' | 'reason'>): boolean {
  return kind === 'refused' || (reason !== undefined && CONTENT_REASONS.includes(reason))
}

function kindOf(code: number, metadata: Readonly<Record<string, unknown>>): FailureKind {
  switch (code) {
    case 401:
      return 'unauthorized'
    case 402:
      // Calls under way hold a part of the budget: what they do not use comes back.
      return metadata['limit_source'] === IN_FLIGHT_BUDGET ? 'rateLimited' : 'outOfCredits'
    case 403:
      return CONTENT_MARKS.some((mark) => mark in metadata) ? 'refused' : 'forbidden'
    case 404:
      return 'notFound'
    case 408:
      return 'unavailable'
    case 429:
      return 'rateLimited'
    default:
      return code >= 500 ? 'unavailable' : 'invalidRequest'
  }
}
