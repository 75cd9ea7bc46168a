import { BlockError } from '../../../engine/block/index.ts'
import type { Json, JsonObject } from '../../../lib/json/index.ts'
import {
  createProviderClient,
  providerError,
  wordsOf,
  type ProviderAnswer,
  type ProviderCaller,
  type ProviderFailure,
  type ProviderTransport,
} from '../shared/index.ts'
import type { Completion } from './completion.ts'
import { isAboutContent, openRouterErrorSchema, openRouterFailure } from './openrouter-failure.ts'
import { CompletionFailure, readCompletion, type CompletionListener } from './read-completion.ts'

const NAME = 'OpenRouter'
/** Keep-alive comments come every few seconds while a model thinks. */
const SILENCE_MS = 60_000
const MAX_CONCURRENT_CALLS = 20

export interface CompletionRequest {
  readonly model: string
  /** Tried in that order when the model cannot answer. */
  readonly fallbackModels: readonly string[]
  readonly messages: readonly Json[]
  readonly temperature: number | undefined
  readonly maxTokens: number | undefined
  /** Whether the request may go to those who keep what they are sent. */
  readonly dataCollection: 'allow' | 'deny' | undefined
  /** The form that the answer is to have; null: any text. */
  readonly format: { readonly name: string; readonly schema: JsonObject; readonly isStrict: boolean } | null
}

export interface OpenRouterClient {
  /**
   * Asks a model. It is always asked to stream, so that a cancel stops what is being billed, and silence is noticed.
   * Throws `PROVIDER_…`; `PROVIDER_ANSWER_BROKEN`, which is final, when it failed after a part of the answer, which is
   * paid for; `PROVIDER_CONTENT_REFUSED` when it is the content that it does not answer.
   */
  complete(
    request: CompletionRequest,
    caller: ProviderCaller,
    listener: CompletionListener,
  ): Promise<Completion>
}

export const ANSWER_BROKEN = 'PROVIDER_ANSWER_BROKEN'
export const CONTENT_REFUSED = 'PROVIDER_CONTENT_REFUSED'

export function createOpenRouterClient(
  ports: ProviderTransport & { readonly baseUrl: string },
): OpenRouterClient {
  const client = createProviderClient(
    {
      name: NAME,
      baseUrl: ports.baseUrl,
      limits: { concurrency: MAX_CONCURRENT_CALLS },
      authorize: (key) => ({ authorization: `Bearer ${key}` }),
      failureOf,
    },
    ports,
  )
  return {
    async complete(request, caller, listener) {
      try {
        return await client.stream(
          {
            method: 'POST',
            path: '/chat/completions',
            headers: { accept: 'text/event-stream' },
            body: { json: bodyOf(request) },
            timeoutMs: SILENCE_MS,
            // Until the first piece of text nothing is lost by asking again; what fails later says so itself.
            isRepeatable: true,
          },
          caller,
          (stream) => readCompletion(stream, listener),
        )
      } catch (thrown) {
        throw thrown instanceof CompletionFailure ? errorOf(thrown, caller) : asContentRefusal(thrown)
      }
    },
  }
}

function failureOf({ status, json, text }: ProviderAnswer): ProviderFailure | null {
  if (status >= 200 && status < 300) return null
  const body = json !== null && typeof json === 'object' && 'error' in json ? json.error : undefined
  const error = openRouterErrorSchema.safeParse(body)
  return openRouterFailure(error.success ? error.data : { message: text || `HTTP ${status}` }, status)
}

function bodyOf({ format, dataCollection, ...request }: CompletionRequest): JsonObject {
  const provider = {
    // Without it the call may reach somebody who ignores the form that is asked for.
    ...(format && { require_parameters: true }),
    ...(dataCollection && { data_collection: dataCollection }),
  }
  return {
    model: request.model,
    ...(request.fallbackModels.length > 0 && { models: request.fallbackModels }),
    messages: request.messages,
    stream: true,
    ...(request.temperature !== undefined && { temperature: request.temperature }),
    ...(request.maxTokens !== undefined && { max_tokens: request.maxTokens }),
    ...(Object.keys(provider).length > 0 && { provider }),
    ...(format && {
      response_format: {
        type: 'json_schema',
        json_schema: { name: format.name, strict: format.isStrict, schema: format.schema },
      },
    }),
  }
}

function errorOf({ failure, isMidway }: CompletionFailure, { credential }: ProviderCaller): BlockError {
  const facts = { provider: NAME, failure, status: 200, isRepeatable: true, credential }
  const error = providerError(facts)
  if (isAboutContent(failure)) return asContentRefusal(error) as BlockError
  if (!isMidway) return error
  const words = wordsOf(failure.message, credential)
  return new BlockError(ANSWER_BROKEN, `${NAME} failed in the middle of its answer: ${words}`, {
    details: error.details ?? {},
  })
}

/** An error that blames the content, under the code that says so. */
function asContentRefusal(thrown: unknown): unknown {
  if (!(thrown instanceof BlockError)) return thrown
  const { code, details, message } = thrown
  const reason = details?.['reason']
  const kind = code === 'PROVIDER_REFUSED' ? 'refused' : 'invalidRequest'
  const isContent = isAboutContent({ kind, ...(typeof reason === 'string' && { reason }) })
  return isContent
    ? new BlockError(CONTENT_REFUSED, message, { details: details ?? {}, cause: thrown })
    : thrown
}
