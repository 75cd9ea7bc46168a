import { createHash } from 'node:crypto'
import { z } from 'zod'
import { startProviderServer, type Answer, type ProviderServer } from './provider-server.ts'

const MODEL_DIMENSIONS = 1_024
const UNAUTHORIZED: Answer = {
  status: 401,
  body: { error: { message: 'Invalid API key', code: 401, type: 'authentication_error' } },
}

const embedSchema = z.object({
  model: z.string(),
  input: z.union([z.string(), z.array(z.string()).min(1).max(256)]),
  normalized: z.boolean().default(true),
  encoding_format: z.enum(['float', 'base64', 'int8', 'ubinary']).default('float'),
  dimensions: z.int().min(1).max(MODEL_DIMENSIONS).default(MODEL_DIMENSIONS),
  prompt: z.string().optional(),
})
const rerankSchema = z.object({
  model: z.string(),
  query: z.string().max(32_000),
  input: z
    .array(z.union([z.string(), z.record(z.string(), z.json())]))
    .min(1)
    .max(1_000),
  top_k: z.int().min(1).default(10),
  rank_fields: z.array(z.string()).optional(),
})

/** Mixedbread's stand-in: vectors that depend on the text alone, ranks by how many words of the query a document has. */
export async function startMixedbreadServer(key = 'mxb_test'): Promise<ProviderServer> {
  return startProviderServer(({ path, method, headers, json }) => {
    if (headers.authorization !== `Bearer ${key}`) return UNAUTHORIZED
    if (method === 'POST' && path === '/v1/embeddings') return checked(embedSchema, json, embed)
    if (method === 'POST' && path === '/v1/reranking') return checked(rerankSchema, json, rerank)
    return { status: 404, body: { error: { message: 'Not Found', code: 404, type: 'not_found_error' } } }
  })
}

/** The gateway's way to say that there were too many calls. */
export function tooManyRequests(retryAfterS: number): Answer {
  return {
    status: 429,
    headers: { 'retry-after': `${retryAfterS}` },
    body: {
      type: 'too_many_requests_error',
      url: 'https://www.mixedbread.com/docs',
      message: 'Too many requests',
      details: { retry_after: retryAfterS, limit: 1_200, remaining: 0, reset: 1_764_000_000 },
    },
  }
}

function checked<T>(schema: z.ZodType<T>, json: unknown, answer: (body: T) => Answer): Answer {
  const body = schema.safeParse(json)
  if (body.success) return answer(body.data)
  const detail = body.error.issues.map(({ path, message }) => ({
    loc: ['body', ...path],
    msg: message,
    type: 'value_error',
  }))
  return { status: 422, body: { detail } }
}

function embed({ model, input, encoding_format, dimensions, prompt }: z.output<typeof embedSchema>): Answer {
  const texts = [input].flat()
  const data = texts.map((text, index) => {
    const vector = vectorOf((prompt ?? '') + text, dimensions)
    return { embedding: encoded(vector, encoding_format), index, object: 'embedding' }
  })
  const facts = { object: 'list', normalized: true, encoding_format, dimensions, model }
  // Not in the order of the texts: only the index says which is which.
  return { body: { ...facts, data: data.reverse(), usage: usage(texts.join(' ')) } }
}

/** Of length 1, and always the same for the same text. */
export function vectorOf(text: string, dimensions: number): number[] {
  const raw = Array.from({ length: dimensions }, (_, index) => {
    const hash = createHash('sha256').update(`${index} ${text}`).digest()
    return hash.readInt32BE() / 2 ** 31
  })
  const length = Math.hypot(...raw)
  return raw.map((value) => value / length)
}

function encoded(vector: readonly number[], format: z.output<typeof embedSchema>['encoding_format']) {
  if (format === 'float') return vector
  if (format === 'base64') return Buffer.from(Float32Array.from(vector).buffer).toString('base64')
  return vector.map((value) => Math.round(format === 'int8' ? value * 127 : (value + 1) * 127))
}

function rerank({ model, query, input, top_k, rank_fields }: z.output<typeof rerankSchema>): Answer {
  const words = query.toLowerCase().split(/\W+/)
  const data = input
    .map((document, index) => {
      const text = textOf(document, rank_fields).toLowerCase()
      const score = words.filter((word) => text.includes(word)).length / words.length
      return { index, score, input: null, object: 'rank_result' }
    })
    .sort((one, other) => other.score - one.score)
    .slice(0, top_k)
  return {
    body: { object: 'list', model, data, top_k, return_input: false, usage: usage(JSON.stringify(input)) },
  }
}

function textOf(
  document: string | Readonly<Record<string, unknown>>,
  fields: readonly string[] | undefined,
): string {
  if (typeof document === 'string') return document
  return JSON.stringify(fields ? fields.map((field) => document[field]) : document)
}

function usage(text: string) {
  const tokens = Math.ceil(text.length / 4)
  return { prompt_tokens: tokens, total_tokens: tokens }
}
