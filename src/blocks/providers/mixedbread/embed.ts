import { z } from 'zod'
import {
  completed,
  defineBlock,
  type Block,
  type BlockContext,
  type SampleCall,
} from '../../../engine/block/index.ts'
import { gatheringCaller, PROVIDER_RETRY, repeatRead } from '../shared/index.ts'
import type { Embedding, MixedbreadClient } from './mixedbread-client.ts'

const DEFAULT_MODEL = 'mixedbread-ai/mxbai-embed-large-v1'
const DEFAULT_DIMENSIONS = 1_024
const MAX_TEXTS_PER_CALL = 256
const SAMPLE_DIMENSIONS = 8
const CALL_MS = 400
const TIMEOUT_MS = 30 * 60_000

const configSchema = z.strictObject({
  texts: z
    .array(z.string().min(1).max(64_000))
    .describe('What to embed; each text is 1 to 64,000 characters long. An empty list calls nobody.'),
  model: z.string().min(1).default(DEFAULT_MODEL).describe('The embedding model.'),
  prompt: z
    .string()
    .optional()
    .describe(
      'What the model is told before each text. For search queries: "Represent this sentence for searching relevant passages: ".',
    ),
  dimensions: z
    .int()
    .min(1)
    .max(8_192)
    .optional()
    .describe('Shortens the vectors; default: the model’s own length.'),
  normalized: z.boolean().default(true).describe('Whether vectors have the length 1.'),
  encoding: z
    .enum(['float', 'base64', 'int8', 'ubinary'])
    .default('float')
    .describe(
      'How vectors are written. float takes about 15 KB for 1,024 dimensions, base64 a third of it, int8 a fifth, ubinary less than 1 KB.',
    ),
  batchSize: z
    .int()
    .min(1)
    .max(MAX_TEXTS_PER_CALL)
    .default(64)
    .describe('How many texts are sent in one call.'),
})
type EmbedConfig = z.output<typeof configSchema>

const outputSchema = z.object({
  embeddings: z
    .array(z.union([z.array(z.number()), z.string()]))
    .describe('One vector for each text, in order: a list of numbers, or a text for base64.'),
  model: z.string().describe('The model that was used.'),
  dimensions: z.int().nullable().describe('How long the vectors are; null: not told.'),
  tokens: z.int().describe('How many tokens were read.'),
})

/**
 * `api.mixedbread.embed`: texts as vectors. The same texts give the same vectors for next to nothing, and vectors are
 * large: none is recorded before the step's end, and an attempt after a crash simply asks again.
 */
export function embedBlock({ client }: { client: MixedbreadClient }): Block {
  return defineBlock({
    type: 'api.mixedbread.embed',
    name: 'Embed with Mixedbread',
    description: 'Turns texts into vectors, for search and for comparing them.',
    icon: 'scan-text',
    effect: 'external',
    repeat: 'safe',
    secrets: ['mixedbread'],
    config: configSchema,
    output: outputSchema,
    retry: PROVIDER_RETRY,
    timeoutMs: TIMEOUT_MS,
    sample: {
      embeddings: [[0.012, -0.034, 0.051, -0.002]],
      model: DEFAULT_MODEL,
      dimensions: 4,
      tokens: 8,
    },
    sampleFor,
    estimate: ({ config }) => ({ durationMs: CALL_MS * Math.ceil(config.texts.length / config.batchSize) }),
    async run(context: BlockContext<EmbedConfig>) {
      const { config, secrets, signal, clock, answers, usage, progress } = context
      const { texts, batchSize } = config
      const caller = gatheringCaller({ credential: secrets.get('mixedbread'), signal, clock, answers })
      const embeddings: Embedding[] = []
      let facts: { model: string; dimensions: number | null } = {
        model: config.model,
        dimensions: config.dimensions ?? null,
      }
      let tokens = 0
      for (let start = 0; start < texts.length; start += batchSize) {
        const batch = texts.slice(start, start + batchSize)
        const answer = await repeatRead(() => client.embed(batch, bodyOf(config), caller), context)
        for (const embedding of answer.embeddings) embeddings.push(embedding)
        tokens += answer.tokens
        facts = { model: answer.model, dimensions: answer.dimensions }
        usage({ quantities: { mixedbreadTokens: answer.tokens } })
        progress(embeddings.length / texts.length, `${embeddings.length} of ${texts.length} texts embedded`)
      }
      return completed({ embeddings, ...facts, tokens })
    },
  })
}

function bodyOf({ model, prompt, dimensions, normalized, encoding }: EmbedConfig) {
  return {
    model,
    normalized,
    encoding_format: encoding,
    ...(prompt !== undefined && { prompt }),
    ...(dimensions !== undefined && { dimensions }),
  }
}

/** Short vectors of the right kind: a demo is to be looked at. */
function sampleFor({ config, random }: SampleCall & { readonly config: EmbedConfig }) {
  const { texts, model, encoding } = config
  const dimensions = Math.min(config.dimensions ?? DEFAULT_DIMENSIONS, SAMPLE_DIMENSIONS)
  const embeddings = texts.map(() => {
    const raw = Array.from({ length: dimensions }, () => random() * 2 - 1)
    const length = Math.hypot(...raw) || 1
    const vector = raw.map((value) => value / length)
    if (encoding === 'float') return vector
    if (encoding === 'base64') return Buffer.from(Float32Array.from(vector).buffer).toString('base64')
    return vector.map((value) => Math.round(encoding === 'int8' ? value * 127 : (value + 1) * 127))
  })
  const tokens = Math.ceil(texts.join('').length / 4)
  return { embeddings, model, dimensions, tokens }
}
