import { BlockError, type BlockHttpResponse } from '../../../engine/block.ts'
import type { HttpPort } from '../../../engine/run.ts'
import type { Json } from '../../../lib/json.ts'
import type { HttpClient } from './http-client.ts'
import { HTTP_METHODS, parseHeaders, parseHttpUrl, type HttpMethod } from './http-request.ts'
import { decodeText } from './read-body.ts'

const DEFAULT_TIMEOUT_MS = 30_000
const MAX_RESPONSE_BYTES = 10_000_000

/** What blocks of one's own send by: the guarded client, with whatever status comes. */
export function createBlockHttp(client: Pick<HttpClient, 'send'>): HttpPort {
  return {
    async send({ method = 'GET', url, headers = {}, body, timeoutMs = DEFAULT_TIMEOUT_MS }, attempt) {
      if (!isMethod(method)) throw new BlockError('HTTP_INVALID_METHOD', `"${method}" is no HTTP method`)
      const answer = await client.send(
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
      )
      const text = () => decodeText(answer.bytes, String(answer.headers['content-type'] ?? ''))
      return {
        status: answer.status,
        headers: answer.headers,
        bytes: answer.bytes,
        text,
        json: () => parse(text()),
      }
    },
  }
}

function isMethod(method: string): method is HttpMethod {
  return (HTTP_METHODS as readonly string[]).includes(method)
}

function parse(text: string): ReturnType<BlockHttpResponse['json']> {
  try {
    return JSON.parse(text) as Json
  } catch (fault) {
    throw new BlockError('HTTP_NOT_JSON', 'the answer is not JSON', { cause: fault })
  }
}
