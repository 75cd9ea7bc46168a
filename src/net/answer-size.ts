import { BlockError, complexityProblem, OUTPUT_OBJECT_MAX_MEMBERS } from '../engine/block/index.ts'
import { jsonHeapSizePieces, type JsonHeapSize } from '../lib/json/index.ts'
import { inOneGo, type Pieces } from '../lib/turns/index.ts'

/** The most that the JSON of one answer may take in memory once a block of one's own or a provider's parses it, in estimated bytes of heap. */
export const ANSWER_MAX_HEAP_BYTES = 64 * 1024 * 1024

/** An answer that takes less memory, in bytes, needs no reservation. */
export const SMALL_ANSWER_BYTES = 256 * 1024

/** The size of a JSON answer that is to be an output. Throws `HTTP_RESPONSE_TOO_LARGE` before anything is parsed. */
export function* outputSizePieces(text: string): Pieces<JsonHeapSize> {
  const size = yield* jsonHeapSizePieces(text)
  const problem = complexityProblem(size, 'The answer')
  if (problem !== null) throw tooLarge(problem)
  return size
}

/** Throws `HTTP_RESPONSE_TOO_LARGE` when a JSON answer takes too much memory, or too much time, to be parsed at all. */
export function checkAnswerSize(text: string): void {
  // Even the worst text takes less than 40 bytes per character.
  if (text.length >= ANSWER_MAX_HEAP_BYTES / 128) inOneGo(answerHeapPieces(text))
}

/**
 * The heap that a JSON answer takes once it is parsed, in estimated bytes. Throws `HTTP_RESPONSE_TOO_LARGE` when it is too much, and
 * for an object with more than `OUTPUT_OBJECT_MAX_MEMBERS` members.
 */
export function* answerHeapPieces(text: string): Pieces<number> {
  const { heapBytes, maxMembers, isTooDeep } = yield* jsonHeapSizePieces(text)
  if (isTooDeep) throw tooLarge('The answer is nested too deep.')
  if (maxMembers > OUTPUT_OBJECT_MAX_MEMBERS)
    throw tooLarge(
      `An object of the answer has ${maxMembers} members; ${OUTPUT_OBJECT_MAX_MEMBERS} are allowed.`,
    )
  if (heapBytes > ANSWER_MAX_HEAP_BYTES)
    throw tooLarge(
      `The answer would take about ${heapBytes} bytes in memory; ${ANSWER_MAX_HEAP_BYTES} are allowed.`,
    )
  return heapBytes
}

function tooLarge(problem: string): BlockError {
  return new BlockError('HTTP_RESPONSE_TOO_LARGE', `${problem} Ask for less at a time, such as a page of it.`)
}
