import { z } from 'zod'
import { completed, defineBlock, type Block, type BlockContext } from '../../engine/block/index.ts'
import { withPauses, yieldToEventLoop } from '../../lib/turns/index.ts'
import {
  HTTP_METHODS,
  outputSizePieces,
  parseHeaders,
  parseHttpUrl,
  SMALL_ANSWER_BYTES,
  textPieces,
  type HttpClient,
  type HttpMethod,
  type HttpRequest,
  type HttpResponse,
} from '../../net/index.ts'

const MAX_TIMEOUT_MS = 300_000
const MAX_RESPONSE_BYTES = 10_000_000
const UNSAFE_METHODS: readonly HttpMethod[] = ['POST', 'PATCH']

const scalarSchema = z.union([z.string(), z.number(), z.boolean(), z.null()], {
  error: 'must be a text, number, boolean or null',
})
const parametersSchema = z.record(
  z.string(),
  z.union([scalarSchema, z.array(scalarSchema)], {
    error: 'must be a text, number, boolean, null or a list of them',
  }),
)
type Parameters = z.output<typeof parametersSchema>

const configSchema = z
  .strictObject({
    method: z.enum(HTTP_METHODS).default('GET').describe('The HTTP method.'),
    url: z.string().min(1).describe('An absolute http or https URL, without credentials.'),
    query: parametersSchema
      .default({})
      .describe(
        'Parameters that are added to the URL, encoded. A list repeats its parameter; null leaves it out.',
      ),
    headers: z
      .record(z.string(), scalarSchema)
      .default({})
      .describe(
        'Request headers; null leaves one out. Host, Content-Length and those of the connection cannot be set.',
      ),
    body: z.unknown().optional().describe('What to send, in the form that bodyType says.'),
    bodyType: z
      .enum(['json', 'form', 'text'])
      .default('json')
      .describe('json: any value; form: an object, sent URL-encoded; text: a text, sent as it is.'),
    timeoutMs: z
      .int()
      .min(1)
      .max(MAX_TIMEOUT_MS)
      .default(30_000)
      .describe('The time for the whole request with redirects and body, in milliseconds.'),
    followRedirects: z
      .boolean()
      .default(true)
      .describe(
        'Follows up to five redirects. Another origin gets none of the headers that may hold secrets.',
      ),
    failOnStatus: z.boolean().default(true).describe('Whether an answer other than 2xx fails the step.'),
    responseType: z
      .enum(['auto', 'json', 'text'])
      .default('auto')
      .describe('How to read the answer. auto: as JSON if its content type says so, else as text.'),
    retryUnsafe: z
      .boolean()
      .default(false)
      .describe(
        'Whether POST and PATCH, too, are retried after lost connections, time-outs and 408, 429, 502, 503, 504.',
      ),
    idempotencyHeader: z
      .string()
      .nullable()
      .default('Idempotency-Key')
      .describe(
        'POST and PATCH carry a key under this name that stays the same in every attempt of the step. null: none.',
      ),
    maxResponseBytes: z
      .int()
      .min(1)
      .max(MAX_RESPONSE_BYTES)
      .default(MAX_RESPONSE_BYTES)
      .describe('A larger answer (after decompression) fails the step.'),
  })
  .superRefine(({ body, bodyType }, context) => {
    if (body === undefined || bodyType === 'json') return
    const problems = (bodyType === 'form' ? parametersSchema : z.string()).safeParse(body).error?.issues ?? []
    for (const { message, path } of problems) {
      context.addIssue({
        code: 'custom',
        message: `${message} (bodyType: ${bodyType})`,
        path: ['body', ...path],
      })
    }
  })
type HttpConfig = z.output<typeof configSchema>

const outputSchema = z.object({
  status: z.int().describe('The HTTP status.'),
  headers: z
    .record(z.string(), z.union([z.string(), z.array(z.string())]))
    .describe('The headers by lower-case name; set-cookie is a list.'),
  body: z
    .unknown()
    .describe('The answer: a JSON value or a text. Null where JSON was expected and nothing came.'),
  bodyError: z
    .string()
    .optional()
    .describe('Why the answer could not be read as JSON; body is its text then.'),
  url: z.string().describe('Where the answer came from, after redirects.'),
  durationMs: z.number().describe('How long the request took, in milliseconds.'),
})

/**
 * `api.http`: any HTTP request. After a crash in the middle of a call it simply calls again (`repeat: "safe"`): the
 * other methods are idempotent, and POST and PATCH carry an idempotency key that is the same in every attempt.
 */
export function httpBlock({ client }: { client: HttpClient }): Block {
  return defineBlock({
    type: 'api.http',
    name: 'HTTP request',
    description: 'Sends an HTTP request to a public address and gives back status, headers and body.',
    effect: 'external',
    repeat: 'safe',
    config: configSchema,
    output: outputSchema,
    sample: {
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: { ok: true },
      url: 'https://api.example.com/',
      durationMs: 120,
    },
    // Longer than any request, so that it is the request that times out and says so.
    timeoutMs: MAX_TIMEOUT_MS + 10_000,
    async run({ config, signal, clock, idempotencyKey, reserveMemory, answers }: BlockContext<HttpConfig>) {
      const request = requestOf(config, idempotencyKey)
      const startedAt = clock.now()
      return client.receive(request, { signal, clock, answers }, async (response) => {
        const { status, headers, url } = response
        const durationMs = clock.now() - startedAt
        return completed({
          status,
          headers,
          ...(await readAs(config.responseType, response, reserveMemory)),
          url: url.href,
          durationMs,
        })
      })
    },
  })
}

function requestOf(config: HttpConfig, idempotencyKey: string): HttpRequest {
  const { method, timeoutMs, followRedirects, failOnStatus, maxResponseBytes } = config
  const isUnsafe = UNSAFE_METHODS.includes(method)
  const body = config.body === undefined ? null : encodeBody(config.body, config.bodyType)
  const headers = parseHeaders([
    ['accept', '*/*'],
    ['accept-encoding', 'gzip, br'],
    ['user-agent', 'lume'],
    ...(body ? [['content-type', body.contentType] as const] : []),
    ...(isUnsafe && config.idempotencyHeader ? [[config.idempotencyHeader, idempotencyKey] as const] : []),
    ...Object.entries(config.headers).flatMap(([name, value]) =>
      value === null ? [] : [[name, String(value)] as const],
    ),
  ])
  return {
    method,
    url: withQuery(parseHttpUrl(config.url), config.query),
    headers,
    body: body?.text ?? null,
    timeoutMs,
    followRedirects,
    failOnStatus,
    maxResponseBytes,
    isRepeatable: !isUnsafe || config.retryUnsafe,
  }
}

function encodeBody(body: unknown, bodyType: HttpConfig['bodyType']): { text: string; contentType: string } {
  switch (bodyType) {
    case 'json':
      return { text: JSON.stringify(body), contentType: 'application/json' }
    case 'form':
      return { text: encodeParameters(body as Parameters), contentType: 'application/x-www-form-urlencoded' }
    case 'text':
      return { text: body as string, contentType: 'text/plain; charset=utf-8' }
  }
}

/** The URL's own query stays as it was written. */
function withQuery(url: URL, query: Parameters): URL {
  const added = encodeParameters(query)
  if (added) url.search += url.search ? `&${added}` : added
  return url
}

function encodeParameters(parameters: Parameters): string {
  const encoded = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) {
    for (const item of [value].flat()) if (item !== null) encoded.append(name, String(item))
  }
  return encoded.toString()
}

async function readAs(
  responseType: HttpConfig['responseType'],
  { bytes, headers }: HttpResponse,
  reserveMemory: BlockContext['reserveMemory'],
): Promise<{ body: unknown; bodyError?: string }> {
  const contentType = String(headers['content-type'] ?? '')
  const isText = responseType === 'text' || (responseType === 'auto' && !isJsonType(contentType))
  if (bytes.length > SMALL_ANSWER_BYTES) await yieldToEventLoop()
  // The bytes are outside of the heap. Nothing of them is in the heap while the attempt waits for memory.
  const decode = () => withPauses(textPieces(bytes, contentType))
  const heapBytes = isText ? textHeapBytes(bytes) : await jsonHeapBytes(decode)
  if (heapBytes > SMALL_ANSWER_BYTES) {
    await reserveMemory(heapBytes)
    await yieldToEventLoop()
  }
  const text = await decode()
  if (isText) return { body: text }
  if (text.trim() === '') return { body: null }
  try {
    return { body: JSON.parse(text) }
  } catch {
    // The parser's own message shows a piece of the text, which may be one of a secret (P7).
    const claim = contentType === '' ? 'no content type' : `the content type ${contentType}`
    return { body: text, bodyError: `not JSON: ${text.length} characters with ${claim}` }
  }
}

async function jsonHeapBytes(decode: () => Promise<string>): Promise<number> {
  const { heapBytes } = await withPauses(outputSizePieces(await decode()))
  return heapBytes
}

/** The most heap that bytes take as a text: two bytes for each character. */
function textHeapBytes(bytes: Buffer): number {
  return 2 * bytes.length
}

/** `application/json`, `text/json`, and every type with the suffix `+json` (RFC 6839). */
function isJsonType(contentType: string): boolean {
  return /^\s*[\w.-]+\/([\w.+-]+\+)?json\s*(;|$)/i.test(contentType)
}
