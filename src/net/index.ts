/** Sends HTTP requests to public and explicitly allowed addresses only, with bounded time and size. */
export { parseAllowedHost } from './address-policy.ts'
export {
  ANSWER_MAX_HEAP_BYTES,
  answerHeapPieces,
  checkAnswerSize,
  outputSizePieces,
  SMALL_ANSWER_BYTES,
} from './answer-size.ts'
export { createHttpClient, type HttpClient, type HttpResponse, type HttpStream } from './http-client.ts'
export {
  HTTP_METHODS,
  parseHeaders,
  parseHttpUrl,
  type HttpMethod,
  type HttpRequest,
} from './http-request.ts'
export { INTERIM_ANSWERS_MAX } from './paced-pieces.ts'
export { decodeText, ENCODED_EXCESS_BYTES, textPieces } from './read-body.ts'
export { retryAfterMs } from './retry-after.ts'
