import { z } from 'zod'
import { openRouterErrorSchema } from './openrouter-failure.ts'

const usageSchema = z.looseObject({
  prompt_tokens: z.number().default(0),
  completion_tokens: z.number().default(0),
  /** In credits, which are US dollars. */
  cost: z.number().nullish(),
})

const partSchema = z.looseObject({
  content: z.string().nullish(),
  refusal: z.string().nullish(),
})

/** A whole answer (`message`) or a piece of a streamed one (`delta`); every part of it may be missing. */
export const completionPieceSchema = z.looseObject({
  id: z.string().optional(),
  model: z.string().optional(),
  error: openRouterErrorSchema.nullish(),
  choices: z
    .array(
      z.looseObject({
        finish_reason: z.string().nullish(),
        error: openRouterErrorSchema.nullish(),
        message: partSchema.nullish(),
        delta: partSchema.nullish(),
      }),
    )
    .nullish(),
  usage: usageSchema.nullish(),
})
export type CompletionPiece = z.output<typeof completionPieceSchema>

export interface TokenUsage {
  readonly inputTokens: number
  readonly outputTokens: number
  readonly costUsd: number
}

export const NO_USAGE: TokenUsage = { inputTokens: 0, outputTokens: 0, costUsd: 0 }

/** What a model answered. */
export interface Completion {
  /** OpenRouter's id of the answer. */
  readonly id: string
  /** The model that really answered. */
  readonly model: string
  readonly text: string
  /** `stop`, `length` (cut off at the most tokens allowed), `content_filter`… */
  readonly finishReason: string
  readonly usage: TokenUsage
}

export function usageOf({ usage }: CompletionPiece): TokenUsage | null {
  if (!usage) return null
  return {
    inputTokens: usage.prompt_tokens,
    outputTokens: usage.completion_tokens,
    costUsd: usage.cost ?? 0,
  }
}

export function addUsage(one: TokenUsage, other: TokenUsage): TokenUsage {
  return {
    inputTokens: one.inputTokens + other.inputTokens,
    outputTokens: one.outputTokens + other.outputTokens,
    costUsd: one.costUsd + other.costUsd,
  }
}

export const usageOutputSchema = z.object({
  inputTokens: z.number().describe('Tokens that were sent.'),
  outputTokens: z.number().describe('Tokens that were answered.'),
  costUsd: z.number().describe('What it cost, in US dollars, as OpenRouter told.'),
})
