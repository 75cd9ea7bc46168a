import { z } from 'zod'
import { completed, defineBlock, type Block, type BlockContext } from '../../../engine/block/index.ts'
import { isJsonObject, type Json, type JsonObject } from '../../../lib/json/index.ts'
import { gatheringCaller, PROVIDER_RETRY, repeatRead } from '../shared/index.ts'
import type { MixedbreadClient } from './mixedbread-client.ts'

const DEFAULT_MODEL = 'mixedbread-ai/mxbai-rerank-large-v2'
const MAX_DOCUMENTS_PER_CALL = 1_000
const CALL_MS = 500
/** What the second generation of models is sold for. */
const COST_PER_TOKEN_USD = 0.15e-6
const CHARACTERS_PER_TOKEN = 4

const documentSchema = z.union([z.string(), z.custom<JsonObject>(isJsonObject)], {
  error: 'must be a text or an object',
})

const configSchema = z.strictObject({
  query: z.string().min(1).max(32_000).describe('What is looked for.'),
  documents: z.array(documentSchema).describe('What to rank: texts or objects. An empty list calls nobody.'),
  rankFields: z
    .array(z.string().min(1))
    .default([])
    .describe('The fields of objects that count; default: all.'),
  topK: z.int().min(1).optional().describe('How many of the best to give back; default: all.'),
  minScore: z.number().optional().describe('Leaves out what scores less.'),
  model: z.string().min(1).default(DEFAULT_MODEL).describe('The reranking model.'),
})
type RerankConfig = z.output<typeof configSchema>

const outputSchema = z.object({
  results: z
    .array(
      z.object({
        index: z.int().describe('The document’s place in the list, from 0.'),
        score: z.number().describe('How well it fits the query; the higher the better.'),
        document: z.json().describe('The document as it was given.'),
      }),
    )
    .describe('The best first.'),
  model: z.string().describe('The model that was used.'),
  tokens: z.int().describe('How many tokens were read.'),
})

interface Rank {
  readonly index: number
  readonly score: number
}

/** `api.mixedbread.rerank`: the same documents are ranked the same again, so it may be repeated. */
export function rerankBlock({ client }: { client: MixedbreadClient }): Block {
  return defineBlock({
    type: 'api.mixedbread.rerank',
    name: 'Rerank with Mixedbread',
    description: 'Orders documents by how well they fit a query.',
    icon: 'arrow-down-wide-narrow',
    effect: 'external',
    repeat: 'safe',
    secrets: ['mixedbread'],
    config: configSchema,
    output: outputSchema,
    retry: PROVIDER_RETRY,
    sample: {
      results: [{ index: 1, score: 0.93, document: 'Acme sells running shoes.' }],
      model: DEFAULT_MODEL,
      tokens: 30,
    },
    sampleFor: ({ config, random }) => {
      const ranks = config.documents.map((_, index) => ({ index, score: Math.round(random() * 100) / 100 }))
      return outputOf(config, { ranks, model: config.model, tokens: expectedTokens(config) })
    },
    estimate: ({ config }) => ({
      durationMs: CALL_MS * Math.ceil(config.documents.length / MAX_DOCUMENTS_PER_CALL),
      costUsd: expectedTokens(config) * COST_PER_TOKEN_USD,
    }),
    async run(context: BlockContext<RerankConfig>) {
      const { config, secrets, signal, clock, answers, usage, progress } = context
      const { documents } = config
      const caller = gatheringCaller({ credential: secrets.get('mixedbread'), signal, clock, answers })
      const ranks: Rank[] = []
      let model = config.model
      let tokens = 0
      // A score is between the query and one document: those of several calls can be compared.
      for (let start = 0; start < documents.length; start += MAX_DOCUMENTS_PER_CALL) {
        const chunk = documents.slice(start, start + MAX_DOCUMENTS_PER_CALL)
        const answer = await repeatRead(() => client.rerank(bodyOf(config, chunk), caller), context)
        for (const { index, score } of answer.ranks) ranks.push({ index: start + index, score })
        tokens += answer.tokens
        model = answer.model
        usage({ quantities: { mixedbreadTokens: answer.tokens } })
        progress(Math.min(1, (start + chunk.length) / documents.length))
      }
      return completed(outputOf(config, { ranks, model, tokens }))
    },
  })
}

function bodyOf({ query, rankFields, topK, model }: RerankConfig, documents: readonly Json[]): JsonObject {
  return {
    model,
    query,
    input: documents,
    return_input: false,
    // Always said: the API’s own default is not known to be all.
    top_k: Math.min(topK ?? documents.length, documents.length),
    ...(rankFields.length > 0 && { rank_fields: rankFields }),
  }
}

function outputOf(
  { documents, topK, minScore = Number.NEGATIVE_INFINITY }: RerankConfig,
  { ranks, model, tokens }: { ranks: readonly Rank[]; model: string; tokens: number },
) {
  const results = ranks
    .filter(({ score, index }) => score >= minScore && index < documents.length)
    .sort((one, other) => other.score - one.score || one.index - other.index)
    .slice(0, topK ?? documents.length)
    .map(({ index, score }) => ({ index, score, document: documents[index] ?? null }))
  return { results, model, tokens }
}

/** The query is read with each document. */
function expectedTokens({ query, documents }: RerankConfig): number {
  const characters = JSON.stringify(documents).length + query.length * documents.length
  return documents.length === 0 ? 0 : Math.ceil(characters / CHARACTERS_PER_TOKEN)
}
