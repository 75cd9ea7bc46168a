import { z } from 'zod'
import {
  BlockError,
  completed,
  defineBlock,
  type Block,
  type BlockContext,
} from '../../engine/block/index.ts'
import { isJsonObject, type Json, type JsonObject } from '../../lib/json/index.ts'
import {
  completionRequest,
  DEFAULT_MODEL,
  estimateCall,
  modelSettings,
  temperatureSetting,
  usageOutputSchema,
  type OpenRouterClient,
} from '../providers/openrouter/index.ts'
import { PROVIDER_RETRY } from '../providers/shared/index.ts'
import { askStructured, type StructuredAnswer } from './ask-structured.ts'
import { sampleOfSchema } from './sample-of-schema.ts'

const MODEL_TIMEOUT_MS = 10 * 60_000
const EXPECTED_OUTPUT_TOKENS = 300
const MAX_TOLD_PROBLEMS = 5

const jsonObjectSchema = z.custom<JsonObject>(isJsonObject, 'must be an object')

const configSchema = z.strictObject({
  prompt: z.string().min(1).describe('What is asked.'),
  instructions: z.string().default('').describe('What the model is to keep to, whatever the prompt says.'),
  schema: jsonObjectSchema.describe('JSON Schema 2020-12 that the answer satisfies.'),
  strict: z
    .boolean()
    .default(false)
    .describe(
      'Whether the provider itself is to hold the model to the schema. Its objects must then forbid additional properties and require all.',
    ),
  ...modelSettings,
  temperature: temperatureSetting(0),
})
type ObjectConfig = z.output<typeof configSchema>

const outputSchema = z.object({
  object: z.json().describe('What the model answered: it satisfies the schema.'),
  model: z.string().describe('The model that really answered.'),
  isRepaired: z.boolean().describe('Whether the first answer did not fit and was asked for once more.'),
  usage: usageOutputSchema.describe('What it took.'),
})

/** `ai.openrouter.object`: an answer of a known form. Like the chat it is never made twice by itself. */
export function objectBlock({ client }: { client: OpenRouterClient }): Block {
  return defineBlock({
    type: 'ai.openrouter.object',
    name: 'Structured answer',
    description:
      'Asks a language model for JSON that satisfies a schema; an answer that does not is asked for once more.',
    icon: 'braces',
    effect: 'external',
    repeat: 'never',
    retry: PROVIDER_RETRY,
    secrets: ['openrouter'],
    config: configSchema,
    schemas: ['schema'],
    output: outputSchema,
    sample: {
      object: { score: 72, reason: 'fits' },
      model: DEFAULT_MODEL,
      isRepaired: false,
      usage: { inputTokens: 120, outputTokens: 18, costUsd: 0.0000288 },
    },
    sampleFor: ({ config, random }) => ({
      object: sampleOfSchema(config.schema, random),
      model: config.model,
      isRepaired: false,
      usage: { inputTokens: 0, outputTokens: 0, costUsd: 0 },
    }),
    estimate: ({ config }) => {
      const sent = messagesOf(config)
      return estimateCall({ model: config.model, calls: 1, sent, outputTokens: EXPECTED_OUTPUT_TOKENS })
    },
    timeoutMs: MODEL_TIMEOUT_MS,
    async run(context: BlockContext<ObjectConfig>) {
      const { config } = context
      const format = { name: 'answer', schema: config.schema, isStrict: config.strict }
      const request = { ...completionRequest(config, messagesOf(config)), format }
      const { answers, usage } = await askStructured(client, { request }, context)
      const answer = answers.at(-1)
      if (!answer || answer.problems.length > 0) throw unusable(answer)
      return completed({ object: answer.json, model: answer.model, isRepaired: answers.length > 1, usage })
    },
  })
}

function messagesOf({ instructions, prompt, schema }: ObjectConfig): readonly Json[] {
  const rules = 'Answer with nothing but JSON that satisfies this JSON schema:'
  return [
    { role: 'system', content: [instructions, rules, JSON.stringify(schema)].filter(Boolean).join('\n\n') },
    { role: 'user', content: prompt },
  ]
}

function unusable(answer: StructuredAnswer | undefined): BlockError {
  if (answer?.isTruncated) {
    return new BlockError('AI_ANSWER_TRUNCATED', 'The answer was cut off: raise maxTokens or ask for less.')
  }
  const problems = (answer?.problems ?? []).slice(0, MAX_TOLD_PROBLEMS).map((problem) => ({ ...problem }))
  return new BlockError('AI_ANSWER_INVALID', 'The model did not answer in the form of the schema, twice.', {
    details: { problems },
  })
}
