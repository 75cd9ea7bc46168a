import type { BlockEstimate } from '../../../engine/block/index.ts'
import type { Json } from '../../../lib/json/index.ts'

/** US dollars per token, of models whose list price is known here. */
const PRICES: Readonly<Record<string, { readonly input: number; readonly output: number }>> = {
  'openai/gpt-4o-mini': { input: 0.15e-6, output: 0.6e-6 },
}
/** A rule of thumb for English. */
const CHARACTERS_PER_TOKEN = 4
const MS_PER_OUTPUT_TOKEN = 15
const FIRST_TOKEN_MS = 800

/** What asking a model is thought to take and cost. */
export function estimateCall(call: {
  readonly model: string
  readonly calls: number
  /** Everything that is sent, in all calls together. */
  readonly sent: Json
  /** In all calls together. */
  readonly outputTokens: number
}): BlockEstimate {
  const { model, calls, sent, outputTokens } = call
  const durationMs = calls * FIRST_TOKEN_MS + outputTokens * MS_PER_OUTPUT_TOKEN
  const price = PRICES[model]
  if (!price) return { durationMs }
  const inputTokens = Math.ceil(JSON.stringify(sent).length / CHARACTERS_PER_TOKEN)
  return { durationMs, costUsd: inputTokens * price.input + outputTokens * price.output }
}
