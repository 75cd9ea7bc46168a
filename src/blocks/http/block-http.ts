import { BlockError, type BlockHttpResponse } from '../../engine/block/index.ts'
import type { HttpPort } from '../../engine/run/index.ts'
import { jsonHeapSizePieces, type Json } from '../../lib/json/index.ts'
import { inOneGo, withPauses, yieldToEventLoop, type Pieces } from '../../lib/turns/index.ts'
import {
  ANSWER_MAX_HEAP_BYTES,
  checkAnswerSize,
  HTTP_METHODS,
  parseHeaders,
  parseHttpUrl,
  SMALL_ANSWER_BYTES,
  textPieces,
  type HttpClient,
  type HttpMethod,
  type HttpResponse,
} from '../../net/index.ts'

const DEFAULT_TIMEOUT_MS = 30_000
const MAX_RESPONSE_BYTES = 10_000_000

/** What blocks of one's own send by: the guarded client, with whatever status comes. */
export function createBlockHttp(client: Pick<HttpClient, 'receive'>): HttpPort {
  return {
    async send({ method = 'GET', url, headers = {}, body, timeoutMs = DEFAULT_TIMEOUT_MS }, attempt) {
      if (!isMethod(method)) throw new BlockError('HTTP_INVALID_METHOD', `"${method}" is no HTTP method`)
      return client.receive(
        {
          method,
          url: parseHttpUrl(url),
          headers: parseHeaders(
            Object.entries({ 'user-agent': 'lume', 'accept-encoding': 'gzip, br', ...headers }),
          ),
          body: body === undefined ? null : body,
          timeoutMs,
          followRedirects: true,
          failOnStatus: false,
          maxResponseBytes: MAX_RESPONSE_BYTES,
          isRepeatable: true,
        },
        attempt,
        async (answer) => {
          if (answer.bytes.length > SMALL_ANSWER_BYTES) {
            await yieldToEventLoop()
            const { heapBytes } = await withPauses(jsonHeapSizePieces(await withPauses(piecesOf(answer))))
            await attempt.reserveMemory(Math.min(heapBytes, ANSWER_MAX_HEAP_BYTES))
          }
          const text = () => readText(answer)
          return {
            status: answer.status,
            headers: answer.headers,
            bytes: answer.bytes,
            text,
            json: () => parse(text()),
          }
        },
      )
    },
  }
}

function isMethod(method: string): method is HttpMethod {
  return (HTTP_METHODS as readonly string[]).includes(method)
}

function readText(answer: HttpResponse): string {
  return inOneGo(piecesOf(answer))
}

function piecesOf({ bytes, headers }: HttpResponse): Pieces<string> {
  return textPieces(bytes, String(headers['content-type'] ?? ''))
}

function parse(text: string): ReturnType<BlockHttpResponse['json']> {
  checkAnswerSize(text)
  try {
    return JSON.parse(text) as Json
  } catch (fault) {
    throw new BlockError('HTTP_NOT_JSON', 'the answer is not JSON', { cause: fault })
  }
}
