import { STATUS_CODES } from 'node:http'
import type { Dispatcher } from 'undici'
import { BlockError, type ArrivingAnswer, type BlockAnswers } from '../engine/block/index.ts'
import { codeOf, messageOf } from '../lib/index.ts'
import type { Clock } from '../lib/time/index.ts'
import type { AddressPolicy } from './address-policy.ts'
import { withDeadline } from './deadline.ts'
import { guardedAgent, systemResolve, type Resolve } from './guarded-agent.ts'
import type { HttpRequest } from './http-request.ts'
import { decoded, decodeText, letGo, readBody } from './read-body.ts'
import { nextHop, type Hop } from './redirect.ts'
import { retryAfterMs } from './retry-after.ts'

const MAX_REDIRECTS = 5
const MAX_EXCERPT_BYTES = 2_048
const RETRYABLE_STATUSES: readonly number[] = [408, 429, 502, 503, 504]
// Whoever asks for more than that is not waited for: the step fails and says so.
const MAX_RETRY_AFTER_MS = 24 * 60 * 60_000

export interface HttpResponse {
  readonly status: number
  /** By lower-case name. Values of a repeated header are joined by commas, but for `set-cookie`: a list. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  /** Decompressed. */
  readonly bytes: Buffer
  /** Where the answer came from, after redirects. */
  readonly url: URL
}

/** An answer of which only the headers have come. */
export interface HttpStream extends Omit<HttpResponse, 'bytes'> {
  /** Decompressed. Fails like `send` does when the rest does not come. */
  readonly body: AsyncIterable<Buffer>
}

export interface HttpSendOptions {
  readonly signal: AbortSignal
  readonly clock: Clock
  /** Counts the bytes of the answer; default: they are not counted. Those of a stream, which are not kept, never are. */
  readonly answers?: Pick<BlockAnswers, 'open'>
}

/** Sends requests that other people thought up: only to where the address policy allows, and bounded in every way. */
export interface HttpClient {
  /**
   * Throws `BlockError` with one of the codes `HTTP_STATUS`, `HTTP_NETWORK`, `HTTP_TIMEOUT`, `HTTP_ADDRESS_REFUSED`,
   * `HTTP_TOO_MANY_REDIRECTS`, `HTTP_RESPONSE_TOO_LARGE` and `HTTP_INVALID_URL`, or the signal's reason as soon as it
   * aborts. An answer that arrives slowly while others need its memory ends with `ANSWER_TOO_SLOW`. The memory is given back at once:
   * the caller uses up the answer before anything else.
   */
  send(request: HttpRequest, options: HttpSendOptions): Promise<HttpResponse>
  /** The same for an answer that `read` uses up later. Its memory is given back when `read` has settled. */
  receive<T>(
    request: HttpRequest,
    options: HttpSendOptions,
    read: (response: HttpResponse) => T | Promise<T>,
  ): Promise<T>
  /**
   * The same for an answer that comes bit by bit: `read` gets it as soon as its headers are there, whatever the status,
   * and the connection ends with `read`. `timeoutMs` limits every silence instead of the whole; size is not limited.
   */
  stream<T>(
    request: HttpRequest,
    options: HttpSendOptions,
    read: (response: HttpStream) => Promise<T>,
  ): Promise<T>
  /** Ends all connections, busy ones too. */
  close(): Promise<void>
}

/** The policy is asked for at every request, because a server learns its own origin only when it listens. */
export function createHttpClient(options: { policy: () => AddressPolicy; resolve?: Resolve }): HttpClient {
  // One for each policy ever seen: they are few, and an open connection must not outlive what permitted it.
  const agents = new Map<string, Dispatcher>()

  function currentAgent(): Dispatcher {
    const policy = options.policy()
    const key = JSON.stringify([policy.allowedHosts, policy.allowedOrigins])
    const agent = agents.get(key) ?? guardedAgent(policy, options.resolve ?? systemResolve)
    agents.set(key, agent)
    return agent
  }

  async function received<T>(
    request: HttpRequest,
    { signal, clock, answers = UNCOUNTED }: HttpSendOptions,
    read: (response: HttpResponse) => T | Promise<T>,
  ): Promise<T> {
    let arriving: ArrivingAnswer | undefined
    const limit = { ...limitOf(request), signal, clock }
    try {
      const response = await withDeadline(limit, async (stop, _isAlive, end) => {
        const { answer, url } = await follow(currentAgent(), request, stop)
        const isRetryable = request.isRepeatable
        arriving = answers.open({
          clock,
          end: ({ code, message }) => end(new BlockError(code, message, { retryable: isRetryable })),
        })
        return receive(answer, { request, url, arriving, now: () => clock.now() }).catch(
          (failure: unknown) => {
            throw asBlockError(failure, url, request)
          },
        )
      })
      arriving?.arrived()
      return await read(response)
    } finally {
      arriving?.close()
    }
  }

  return {
    send: (request, options) => received(request, options, (response) => response),
    receive: received,
    stream: (request, { signal, clock }, read) =>
      withDeadline({ ...limitOf(request), signal, clock }, async (stop, isAlive) => {
        const { answer, url } = await follow(currentAgent(), request, stop)
        isAlive()
        const body = watched(answer, { request, url, isAlive })
        try {
          return await read({ status: answer.statusCode, headers: plainHeaders(answer), url, body })
        } finally {
          letGo(answer.body)
        }
      }),
    async close() {
      await Promise.all([...agents.values()].map((agent) => agent.destroy()))
    },
  }
}

function limitOf({ timeoutMs, isRepeatable }: HttpRequest): { timeoutMs: number; isRetryable: boolean } {
  return { timeoutMs, isRetryable: isRepeatable }
}

/** Sends a request and goes where its answers redirect to. */
async function follow(
  agent: Dispatcher,
  request: HttpRequest,
  signal: AbortSignal,
): Promise<{ answer: Dispatcher.ResponseData; url: URL }> {
  let hop: Hop = request
  for (let redirects = 0; ; redirects++) {
    const { url } = hop
    const answer = await dispatch(agent, hop, signal).catch((failure: unknown) => {
      throw asBlockError(failure, url, request)
    })
    const location = headerOf(answer, 'location')
    const next = request.followRedirects ? nextHop(hop, answer.statusCode, location) : null
    if (!next) return { answer, url }
    letGo(answer.body)
    if (redirects === MAX_REDIRECTS) throw tooManyRedirects(request.url)
    hop = next
  }
}

function dispatch(agent: Dispatcher, hop: Hop, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
  return agent.request({
    origin: hop.url.origin,
    path: hop.url.pathname + hop.url.search,
    method: hop.method,
    headers: Object.fromEntries(hop.headers),
    body: hop.body,
    signal,
  })
}

/** The body of a streamed answer: each piece is a sign of life. */
async function* watched(
  answer: Dispatcher.ResponseData,
  { request, url, isAlive }: { request: HttpRequest; url: URL; isAlive: () => void },
): AsyncGenerator<Buffer, void, undefined> {
  try {
    for await (const chunk of decoded(answer.body, headerOf(answer, 'content-encoding') ?? '')) {
      isAlive()
      yield chunk
    }
  } catch (failure) {
    throw asBlockError(failure, url, request)
  }
}

async function receive(
  answer: Dispatcher.ResponseData,
  {
    request,
    url,
    arriving,
    now,
  }: { request: HttpRequest; url: URL; arriving: Pick<ArrivingAnswer, 'take'>; now: () => number },
): Promise<HttpResponse> {
  const status = answer.statusCode
  const isFailure = request.failOnStatus && (status < 200 || status > 299)
  const maxBytes = isFailure
    ? Math.min(MAX_EXCERPT_BYTES, request.maxResponseBytes)
    : request.maxResponseBytes
  const contentEncoding = headerOf(answer, 'content-encoding') ?? ''
  const { bytes, isCut } = await readBody(answer.body, { contentEncoding, maxBytes, arriving })
  if (isFailure) {
    const text = decodeText(bytes, headerOf(answer, 'content-type') ?? '')
    // A character that the limit has cut in two goes, too: by the ellipsis the scrubber sees where a secret may be cut (P7).
    const excerpt = isCut ? `${text.replace(/\ufffd+$/, '')}…` : text
    const waitMs = retryAfterMs(headerOf(answer, 'retry-after'), now())
    throw statusError({ url, status, excerpt, waitMs, isRepeatable: request.isRepeatable })
  }
  if (isCut) throw tooLarge(url, `has more than ${maxBytes} bytes`)
  return { status, headers: plainHeaders(answer), bytes, url }
}

const UNCOUNTED: Pick<BlockAnswers, 'open'> = {
  open: () => ({ take: () => Promise.resolve(), arrived: () => {}, close: () => {} }),
}

function headerOf(answer: Dispatcher.ResponseData, name: string): string | undefined {
  const value = answer.headers[name]
  return Array.isArray(value) ? value.join(', ') : value
}

function plainHeaders(answer: Dispatcher.ResponseData): HttpResponse['headers'] {
  const names = Object.keys(answer.headers)
  return Object.fromEntries(
    names.map((name) => {
      const value = headerOf(answer, name) ?? ''
      return [name, name === 'set-cookie' ? [answer.headers[name] ?? []].flat() : value]
    }),
  )
}

function statusError(answer: {
  url: URL
  status: number
  excerpt: string
  waitMs: number | undefined
  isRepeatable: boolean
}): BlockError {
  const { url, status, waitMs } = answer
  const isTooLong = waitMs !== undefined && waitMs > MAX_RETRY_AFTER_MS
  const reason = STATUS_CODES[status] ? `${status} ${STATUS_CODES[status]}` : String(status)
  return new BlockError(
    'HTTP_STATUS',
    `${url.origin} answered ${reason}${isTooLong ? ' and asks to wait for more than a day' : ''}`,
    {
      retryable: answer.isRepeatable && RETRYABLE_STATUSES.includes(status) && !isTooLong,
      retryAfterMs: waitMs,
      // NUL could not be stored.
      details: { status, body: answer.excerpt.replaceAll('\u0000', '\ufffd') },
    },
  )
}

function tooManyRedirects(url: URL): BlockError {
  return new BlockError(
    'HTTP_TOO_MANY_REDIRECTS',
    `${url.origin} redirected more than ${MAX_REDIRECTS} times`,
  )
}

function tooLarge(url: URL, problem: string): BlockError {
  return new BlockError('HTTP_RESPONSE_TOO_LARGE', `the answer of ${url.origin} ${problem}`)
}

/** What undici, Node's sockets and zlib throw. */
function asBlockError(failure: unknown, url: URL, request: HttpRequest): BlockError {
  if (failure instanceof BlockError) return failure
  const code = codeOf(failure)
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return tooLarge(url, 'has more headers than fit in 16 KiB')
  // Several refused addresses come as one AggregateError, which has a code but no message.
  const reason = [messageOf(failure), code && `(${code})`].filter(Boolean).join(' ')
  return new BlockError('HTTP_NETWORK', `no complete answer came from ${url.origin}: ${reason}`, {
    retryable: request.isRepeatable,
    cause: failure,
    ...(code && { details: { cause: code } }),
  })
}
