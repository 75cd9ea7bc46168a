import { z } from 'zod'
import type { BlockContext } from '../../../engine/block/index.ts'
import type { Json } from '../../../lib/json/index.ts'
import type { ProviderCaller } from '../shared/index.ts'
import type { TokenUsage } from './completion.ts'
import type { CompletionRequest } from './openrouter-client.ts'

export const DEFAULT_MODEL = 'openai/gpt-4o-mini'

/** What every block that asks a model lets its user choose. */
export const modelSettings = {
  model: z
    .string()
    .min(1)
    .default(DEFAULT_MODEL)
    .describe('The model, as OpenRouter names it, such as "openai/gpt-4o-mini".'),
  fallbackModels: z
    .array(z.string().min(1))
    .max(10)
    .default([])
    .describe('Models that are asked in that order when the first one cannot answer.'),
  maxTokens: z.int().min(1).optional().describe('The most tokens that an answer may have.'),
  dataCollection: z
    .enum(['allow', 'deny'])
    .optional()
    .describe('deny: only providers that do not keep what they are sent.'),
}

/** How likely a model is to stray from the likeliest answer. */
export function temperatureSetting(fallback: number) {
  return z
    .number()
    .min(0)
    .max(2)
    .default(fallback)
    .describe('0: always the likeliest words; higher: more varied ones.')
}

interface ModelChoice {
  readonly model: string
  readonly fallbackModels: readonly string[]
  readonly temperature: number
  readonly maxTokens?: number | undefined
  readonly dataCollection?: 'allow' | 'deny' | undefined
}

export function completionRequest(
  { model, fallbackModels, temperature, maxTokens, dataCollection }: ModelChoice,
  messages: readonly Json[],
  format: CompletionRequest['format'] = null,
): CompletionRequest {
  return { model, fallbackModels, messages, temperature, maxTokens, dataCollection, format }
}

/** On whose behalf a block asks. The key is read when it is needed: without a call, none is. */
export function openRouterCaller(
  context: Pick<BlockContext, 'secrets' | 'signal' | 'clock' | 'answers'>,
): ProviderCaller {
  const { secrets, signal, clock, answers } = context
  return { credential: secrets.get('openrouter'), signal, clock, answers }
}

/** Tells the engine what a call has cost. */
export function reportUsage(context: Pick<BlockContext, 'usage'>, usage: TokenUsage): void {
  const { costUsd, inputTokens, outputTokens } = usage
  context.usage({ costUsd, quantities: { inputTokens, outputTokens } })
}
