import { z } from 'zod'
import type { JsonObject } from '../../../lib/json/index.ts'
import {
  createProviderClient,
  listOf,
  readAnswer,
  type ProviderCaller,
  type ProviderTransport,
} from '../shared/index.ts'
import { mixedbreadFailure } from './mixedbread-failure.ts'

const MAX_CONCURRENT_CALLS = 10
const TIMEOUT_MS = 60_000
/** 256 vectors of the longest kind, each number written out. */
const MAX_BYTES = 32_000_000

const usageSchema = z.looseObject({ total_tokens: z.number() })
const embeddingSchema = z.union([listOf(z.number()), z.string()])
export type Embedding = z.output<typeof embeddingSchema>

const embeddingsSchema = z.looseObject({
  data: listOf(z.looseObject({ index: z.int(), embedding: embeddingSchema })),
  model: z.string(),
  dimensions: z.int().nullish(),
  usage: usageSchema,
})
const rankingSchema = z.looseObject({
  data: listOf(z.looseObject({ index: z.int(), score: z.number() })),
  model: z.string(),
  usage: usageSchema,
})

export interface Embeddings {
  /** In the order of the texts. */
  readonly embeddings: readonly Embedding[]
  readonly model: string
  /** Null where it was not told. */
  readonly dimensions: number | null
  readonly tokens: number
}

export interface Ranking {
  /** `index`: the place in what was sent. */
  readonly ranks: readonly { readonly index: number; readonly score: number }[]
  readonly model: string
  readonly tokens: number
}

/**
 * The calls of Mixedbread's API v1 that Lume makes (mixedbread.com/api-reference). Both are functions of what is sent:
 * they may be repeated. Bodies carry Mixedbread's own field names.
 */
export interface MixedbreadClient {
  embed(texts: readonly string[], body: JsonObject, caller: ProviderCaller): Promise<Embeddings>
  rerank(body: JsonObject, caller: ProviderCaller): Promise<Ranking>
}

export function createMixedbreadClient(
  ports: ProviderTransport & { readonly baseUrl: string },
): MixedbreadClient {
  const name = 'Mixedbread'
  const client = createProviderClient(
    {
      name,
      baseUrl: ports.baseUrl,
      limits: { concurrency: MAX_CONCURRENT_CALLS },
      authorize: (key) => ({ authorization: `Bearer ${key}` }),
      failureOf: mixedbreadFailure,
    },
    ports,
  )
  const post = (path: string, json: JsonObject, caller: ProviderCaller) => {
    const limits = { timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES }
    return client.send({ method: 'POST', path, body: { json }, isRepeatable: true, ...limits }, caller)
  }

  return {
    async embed(texts, body, caller) {
      const answer = await post('/v1/embeddings', { ...body, input: texts }, caller)
      // Each text has its vector, or the answer is none.
      const schema = embeddingsSchema.refine(
        ({ data }) => data.length === texts.length,
        'has not one vector a text',
      )
      const { data, model, dimensions = null, usage } = readAnswer(name, answer, schema)
      const embeddings = data
        .toSorted((one, other) => one.index - other.index)
        .map(({ embedding }) => embedding)
      return { embeddings, model, dimensions, tokens: usage.total_tokens }
    },
    async rerank(body, caller) {
      const answer = await post('/v1/reranking', body, caller)
      const { data, model, usage } = readAnswer(name, answer, rankingSchema)
      const ranks = data.map(({ index, score }) => ({ index, score }))
      return { ranks, model, tokens: usage.total_tokens }
    },
  }
}
