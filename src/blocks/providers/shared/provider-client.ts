import { BlockError, type BlockAnswers } from '../../../engine/block/index.ts'
import type { Json } from '../../../lib/json/index.ts'
import type { Clock } from '../../../lib/time/index.ts'
import { withPauses, yieldToEventLoop } from '../../../lib/turns/index.ts'
import {
  decodeText,
  parseHeaders,
  parseHttpUrl,
  answerHeapPieces,
  retryAfterMs,
  SMALL_ANSWER_BYTES,
  textPieces,
  type HttpClient,
  type HttpMethod,
  type HttpRequest,
  type HttpResponse,
  type HttpStream,
} from '../../../net/index.ts'
import { providerAnswer, type ProviderAnswer } from './provider-answer.ts'
import { providerError, wordsOf, type ProviderFailure } from './provider-error.ts'
import type { RateLimiter, RateLimits, RateNews } from './rate-limiter.ts'

const DEFAULT_TIMEOUT_MS = 30_000
const MAX_RESPONSE_BYTES = 10_000_000
const MAX_ERROR_BYTES = 64_000

/** What is particular about one provider. */
export interface ProviderTraits {
  /** As people write it: `Apify`. */
  readonly name: string
  /** Without a slash at its end; a setting. */
  readonly baseUrl: string
  readonly limits: RateLimits
  /** The headers that carry the credential. */
  authorize(credential: string): Readonly<Record<string, string>>
  /** Why an answer is no success; null when it is one. Decides by whatever the provider means: status, body or both. */
  failureOf(answer: ProviderAnswer): ProviderFailure | null
  /** How many more calls the provider says that it takes now; null: it does not say. */
  callsLeft?(answer: ProviderAnswer): number | null
}

export interface ProviderRequest {
  readonly method?: HttpMethod
  /** Joined to the base URL: `/v2/datasets/…`, its parts encoded. */
  readonly path: string
  /** A list repeats its parameter; null and undefined leave it out. */
  readonly query?: Readonly<Record<string, QueryValue | readonly QueryValue[]>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: { readonly json: Json } | { readonly bytes: Uint8Array; readonly contentType: string }
  /** For the whole answer, or for every silence of a streamed one, in milliseconds; default 30,000. */
  readonly timeoutMs?: number
  /** Of a decompressed answer; default 10 MB. */
  readonly maxBytes?: number
  /** Whether the call may be made again when nobody knows if it took effect. False for what costs money. */
  readonly isRepeatable: boolean
  /** What the provider counts calls by, beside the credential: usually nothing. */
  readonly scope?: string
}
type QueryValue = string | number | boolean | null | undefined

/** On whose behalf a call is made, and for how long. */
export interface ProviderCaller {
  readonly credential: string
  readonly signal: AbortSignal
  readonly clock: Clock
  /** Where the bytes of answers are counted. */
  readonly answers: BlockAnswers
  /** Whether the caller keeps this answer beside others, so that small ones count as well. Default false. */
  readonly isGathering?: boolean
}

export interface ProviderStream {
  readonly status: number
  header(name: string): string | undefined
  /** Decoded from UTF-8 as it comes. */
  readonly text: AsyncIterable<string>
}

/**
 * Calls to one provider. Each call is made once: whether a failed one is made again is the engine's affair, which goes by
 * the error (`BlockError`: `PROVIDER_…` as `providerError` says, `HTTP_…` when no answer came, `CALL_OUTCOME_UNKNOWN`
 * for a call that may have taken effect and must not be repeated).
 */
export interface ProviderClient {
  readonly name: string
  send(request: ProviderRequest, caller: ProviderCaller): Promise<ProviderAnswer>
  /** The same for an answer that comes bit by bit. The connection ends with `read`. */
  stream<T>(
    request: ProviderRequest,
    caller: ProviderCaller,
    read: (stream: ProviderStream) => Promise<T>,
  ): Promise<T>
}

/** What all providers' clients share. */
export interface ProviderTransport {
  readonly http: HttpClient
  readonly limiter: RateLimiter
}

export function createProviderClient(
  traits: ProviderTraits,
  { http, limiter }: ProviderTransport,
): ProviderClient {
  return {
    name: traits.name,
    send: (request, caller) =>
      withPlace(request, caller, async (learn) => {
        const answer = await http.receive(httpRequest(traits, request, caller), caller, (response) =>
          readResponse(response, caller),
        )
        learn(answer)
        return answer
      }),
    stream: (request, caller, read) =>
      withPlace(request, caller, (learn) =>
        http.stream(httpRequest(traits, request, caller), caller, async (response) => {
          const { status, headers, body } = response
          const isSuccess = status >= 200 && status < 300
          learn(providerAnswer(status, headers, isSuccess ? '' : await errorText(response)))
          const header = (name: string) => headers[name]?.toString()
          return read({ status, header, text: decodedText(body) })
        }),
      ),
  }

  /** Makes a call when the limiter has a place for it. `learn` takes in the answer and throws when it is a failure. */
  async function withPlace<T>(
    request: ProviderRequest,
    caller: ProviderCaller,
    call: (learn: (answer: ProviderAnswer) => void) => Promise<T>,
  ): Promise<T> {
    const { name, limits } = traits
    const { credential, signal } = caller
    const place = { provider: name, credential, limits, ...(request.scope && { scope: request.scope }) }
    const pass = await limiter.enter(place, signal)
    let news: RateNews | null = null
    try {
      return await call((answer) => {
        const failure = failureIn(answer, caller)
        news = newsOf(answer, failure)
        const { isRepeatable } = request
        if (failure)
          throw providerError({ provider: name, failure, status: answer.status, isRepeatable, credential })
      })
    } catch (thrown) {
      signal.throwIfAborted()
      throw unansweredError(thrown, { provider: name, isRepeatable: request.isRepeatable, credential })
    } finally {
      pass.leave(news)
    }
  }

  /** The provider's Retry-After stands where its failure names no wait of its own. */
  function failureIn(answer: ProviderAnswer, { clock }: ProviderCaller): ProviderFailure | null {
    const failure = traits.failureOf(answer)
    if (!failure || failure.retryAfterMs !== undefined) return failure
    const waitMs = retryAfterMs(answer.header('retry-after'), clock.now())
    return waitMs === undefined ? failure : { ...failure, retryAfterMs: waitMs }
  }

  function newsOf(answer: ProviderAnswer, failure: ProviderFailure | null): RateNews {
    const left = traits.callsLeft?.(answer) ?? null
    if (failure?.kind !== 'rateLimited') return { left }
    return { left, throttled: { retryAfterMs: failure.retryAfterMs } }
  }
}

function httpRequest(traits: ProviderTraits, request: ProviderRequest, caller: ProviderCaller): HttpRequest {
  const { body } = request
  const url = parseHttpUrl(traits.baseUrl + request.path)
  for (const [name, values] of Object.entries(request.query ?? {})) {
    for (const value of [values].flat()) if (value != null) url.searchParams.append(name, String(value))
  }
  const contentType = body && ('json' in body ? 'application/json' : body.contentType)
  return {
    method: request.method ?? 'GET',
    url,
    headers: parseHeaders(
      Object.entries({
        accept: 'application/json',
        'accept-encoding': 'gzip, br',
        'user-agent': 'lume',
        ...(contentType && { 'content-type': contentType }),
        ...request.headers,
        ...traits.authorize(caller.credential),
      }),
    ),
    body: body ? ('json' in body ? JSON.stringify(body.json) : body.bytes) : null,
    timeoutMs: request.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    // Credentials go to where the settings say and nowhere else.
    followRedirects: false,
    failOnStatus: false,
    maxResponseBytes: request.maxBytes ?? MAX_RESPONSE_BYTES,
    isRepeatable: request.isRepeatable,
  }
}

/** Failures of a connection that had not been made: the request cannot have taken effect. */
const NEVER_SENT: readonly unknown[] = [
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]

const UNANSWERED: readonly string[] = ['HTTP_NETWORK', 'HTTP_TIMEOUT', 'ANSWER_TOO_SLOW']

/** Tells a call that certainly did not happen, or may happen again, from one of which nobody knows. */
function unansweredError(
  thrown: unknown,
  { provider, isRepeatable, credential }: { provider: string; isRepeatable: boolean; credential: string },
): unknown {
  if (!(thrown instanceof BlockError) || !UNANSWERED.includes(thrown.code)) return thrown
  const { code, message } = thrown
  const isHarmless = NEVER_SENT.includes(thrown.details?.['cause'])
  const words = wordsOf(message, credential)
  const details = { provider, ...thrown.details }
  if (isRepeatable || isHarmless)
    return new BlockError(code, words, { retryable: true, details, cause: thrown })
  return new BlockError('CALL_OUTCOME_UNKNOWN', `${provider} may or may not have done it: ${words}`, {
    retryable: true,
    details,
    cause: thrown,
  })
}

/** Nothing of a large answer is in the heap while the attempt waits for memory. */
async function readResponse(
  { status, headers, bytes }: HttpResponse,
  { answers, isGathering = false }: Pick<ProviderCaller, 'answers' | 'isGathering'>,
): Promise<ProviderAnswer> {
  const decode = () => withPauses(textPieces(bytes, String(headers['content-type'] ?? '')))
  const isSmall = bytes.length <= SMALL_ANSWER_BYTES
  if (!isSmall) await yieldToEventLoop()
  const heapBytes = await heapBytesOf(decode)
  if (!isSmall || isGathering) await answers.claimMemory(heapBytes)
  return providerAnswer(status, headers, await decode())
}

async function heapBytesOf(decode: () => Promise<string>): Promise<number> {
  return withPauses(answerHeapPieces(await decode()))
}

/** As much of an error's body as is worth reading. */
async function errorText({ body, headers }: HttpStream): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of body) {
    chunks.push(chunk)
    length += chunk.length
    if (length > MAX_ERROR_BYTES) break
  }
  return decodeText(Buffer.concat(chunks), String(headers['content-type'] ?? ''))
}

/** A character may come in two pieces. */
async function* decodedText(body: AsyncIterable<Buffer>): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder()
  for await (const chunk of body) {
    const text = decoder.decode(chunk, { stream: true })
    if (text !== '') yield text
  }
  const rest = decoder.decode()
  if (rest !== '') yield rest
}
