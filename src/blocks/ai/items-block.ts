import { z } from 'zod'
import { completed, defineBlock, type Block, type BlockContext } from '../../engine/block/index.ts'
import { anyJson, type Json, type JsonObject } from '../../lib/json/index.ts'
import {
  completionRequest,
  estimateCall,
  modelSettings,
  temperatureSetting,
  type OpenRouterClient,
} from '../providers/openrouter/index.ts'
import { PROVIDER_RETRY } from '../providers/shared/index.ts'
import { askBatch } from './ask-batch.ts'
import { itemResultSchema, type ItemResult } from './item-result.ts'
import { runBatches } from './run-batches.ts'

const TIMEOUT_MS = 60 * 60_000
const OUTPUT_TOKENS_PER_ITEM = 80

/** What all blocks that ask a model about a list of items let their user choose. */
export const itemsSettings = {
  items: z
    .array(anyJson())
    .describe(
      'What to look at: texts, or objects of which the model sees everything. An empty list asks nothing.',
    ),
  instructions: z.string().default('').describe('What else the model is to keep in mind.'),
  batchSize: z.int().min(1).max(50).default(10).describe('How many items are asked about in one call.'),
  concurrency: z.int().min(1).max(10).default(3).describe('How many calls are under way at the same time.'),
  ...modelSettings,
  temperature: temperatureSetting(0),
}
const itemsConfigSchema = z.strictObject(itemsSettings)
export type ItemsConfig = z.output<typeof itemsConfigSchema>

export interface ItemsBlockSpec<Config extends ItemsConfig, Answer extends z.ZodObject> {
  readonly type: string
  readonly name: string
  readonly description: string
  readonly icon: string
  readonly config: z.ZodType<Config>
  /** What is answered about one item. */
  readonly answer: Answer
  /** The same, narrowed by what the user chose. */
  readonly answerFor?: (config: Config) => z.ZodObject
  readonly task: (config: Config) => string
  /** A plausible answer about one item, for runs that ask no model. */
  readonly sampleAnswer: (item: Json, call: { config: Config; random: () => number }) => z.output<Answer>
  readonly sampleConfig: Config
  /** Members of the output beside the results, made of them; each with its schema. */
  readonly gathered?: Readonly<
    Record<string, { schema: z.ZodType; from: (results: readonly ItemResult[]) => Json }>
  >
}

/**
 * A block that asks a model the same about every item of a list. Calls cost money and cannot be told apart by a key, so
 * none is repeated by itself; each batch's results are recorded as soon as they are there.
 */
export function itemsBlock<Config extends ItemsConfig, Answer extends z.ZodObject>(
  spec: ItemsBlockSpec<Config, Answer>,
  { client }: { client: OpenRouterClient },
): Block {
  const { type, name, description, icon, config, answer, task, sampleAnswer, sampleConfig } = spec
  const gathered = Object.entries(spec.gathered ?? {})
  const outputOf = (results: readonly ItemResult[]): JsonObject => ({
    results,
    failed: results.filter(({ status }) => status === 'FAILED').length,
    ...Object.fromEntries(gathered.map(([member, { from }]) => [member, from(results)])),
  })
  const sampleFor = (call: { config: Config; random: () => number }) =>
    outputOf(
      call.config.items.map((item, index) => {
        const output = sampleAnswer(item, call) as JsonObject
        return { index, status: 'COMPLETED', output }
      }),
    )
  return defineBlock({
    type,
    name,
    description,
    icon,
    effect: 'external',
    repeat: 'never',
    retry: PROVIDER_RETRY,
    secrets: ['openrouter'],
    config,
    output: z.object({
      results: z
        .array(itemResultSchema(answer))
        .describe(
          'One for each item, in order: { index, status, output }, or { index, status, error } for one that failed.',
        ),
      failed: z.int().describe('How many items failed.'),
      ...Object.fromEntries(gathered.map(([member, { schema }]) => [member, schema])),
    }),
    sample: sampleFor({ config: sampleConfig, random: () => 0 }),
    sampleFor,
    estimate({ config }) {
      const calls = Math.ceil(config.items.length / config.batchSize)
      const outputTokens = config.items.length * OUTPUT_TOKENS_PER_ITEM
      const { durationMs = 0, ...cost } = estimateCall({
        model: config.model,
        calls,
        sent: config.items,
        outputTokens,
      })
      return { ...cost, durationMs: Math.ceil(durationMs / config.concurrency) }
    },
    timeoutMs: TIMEOUT_MS,
    async run(context: BlockContext<Config>) {
      const { items, batchSize, concurrency, instructions } = context.config
      const question = {
        name: type.replaceAll('.', '_'),
        task: [task(context.config), instructions].filter(Boolean).join('\n'),
        output: spec.answerFor?.(context.config) ?? answer,
        request: (messages: readonly Json[]) => completionRequest(context.config, messages),
      }
      const results = await runBatches(
        { items, batchSize, concurrency, ask: (batch) => askBatch(client, question, batch, context) },
        context,
      )
      return completed(outputOf(results))
    },
  })
}
