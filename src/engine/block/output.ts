import {
  deepFreeze,
  deepFreezePieces,
  JSON_MAX_DEPTH,
  jsonHeapSize,
  jsonTextPieces,
  measurePlainJson,
  toJsonText,
  writeMeasured,
  type Json,
  type JsonHeapSize,
  type JsonTextResult,
  type NotPlainJson,
} from '../../lib/json/index.ts'
import { inPieces, withPauses, yieldToEventLoop } from '../../lib/turns/index.ts'
import type { Scrubber } from '../scrub/index.ts'
import type { RenderLimits } from './render-total.ts'

/** An output as it is recorded, and as it flows on. */
export interface ReadOutput {
  readonly kind: 'output'
  readonly text: string
  /** What the value takes in memory, as it is estimated. */
  readonly heapBytes: number
  readonly value: Json
}

export interface RefusedOutput {
  readonly kind: 'refused'
  readonly code: 'OUTPUT_INVALID' | 'OUTPUT_TOO_LARGE'
  readonly message: string
}

/** The longest output, in bytes of JSON text in UTF-8 (D6). */
export const OUTPUT_MAX_BYTES = 4 * 1024 * 1024

/** The most that one output may take in memory, in estimated bytes of heap: an empty list takes 40, its text 3. */
export const OUTPUT_MAX_HEAP_BYTES = 24 * 1024 * 1024

/** The most values of one output: strings, numbers, booleans, nulls, lists and objects. */
export const OUTPUT_MAX_VALUES = 1_000_000

/** The most members of one object of an output, or of an answer that a block parses: to parse 600,000 of them takes more than a second. */
export const OUTPUT_OBJECT_MAX_MEMBERS = 100_000

/**
 * The limits of a graph's output while it is rendered, several times those of an output: what is recorded of it is checked
 * after that, and a loop with `output: "none"` records nothing of it.
 */
export const RENDERED_OUTPUT_LIMITS: RenderLimits = {
  maxBytes: 4 * OUTPUT_MAX_BYTES,
  maxHeapBytes: 4 * OUTPUT_MAX_HEAP_BYTES,
  maxValues: 4 * OUTPUT_MAX_VALUES,
}

/** An output that takes more memory, roughly and in bytes, waits for its turn and is read in several turns of the event loop. */
const LARGE_OUTPUT_BYTES = 512 * 1024

/** What a value takes, roughly, beyond its text. */
const ROUGH_VALUE_BYTES = 32

export interface ReadOutputOptions {
  /** Says how to return less. */
  readonly hint: string
  readonly scrubber?: Pick<Scrubber, 'json'>
}

export interface ReadLargeOutputOptions extends ReadOutputOptions {
  /** Where a large output waits for the memory that it takes until it is recorded. */
  readonly memory?: { claim(bytes: number): Promise<void> } | undefined
}

/** E8: what flows on is exactly what is recorded, so it is scrubbed first, and no block can change it. */
export function readOutput(output: unknown, options: ReadOutputOptions): ReadOutput | RefusedOutput {
  const written = writeOutput(output, options)
  if (written.kind === 'refused') return written
  return { ...written, value: deepFreeze(JSON.parse(written.text) as Json) }
}

/** The text to record of an output that flows nowhere. */
export async function readOutputText(
  output: Json,
  options: ReadOutputOptions,
): Promise<Omit<ReadOutput, 'value'> | RefusedOutput> {
  const plain = await inPieces(jsonTextPieces(output, OUTPUT_MAX_BYTES))
  return checkText(plain, options)
}

/** The same; reads a large output in pieces, and gives the thread to others in between. */
export function readLargeOutput(
  output: unknown,
  options: ReadLargeOutputOptions,
): ReadOutput | RefusedOutput | Promise<ReadOutput | RefusedOutput> {
  const measured = measurePlainJson(output, OUTPUT_MAX_BYTES)
  if (!measured.ok) return refusal(measured.problem, options)
  const { bytes, values } = measured.size
  const roughBytes = bytes + values * ROUGH_VALUE_BYTES
  if (roughBytes > LARGE_OUTPUT_BYTES) return readInPieces(output, roughBytes, options)
  const written = checkText(writeMeasured(output, OUTPUT_MAX_BYTES), options)
  if (written.kind === 'refused') return written
  return { ...written, value: deepFreeze(JSON.parse(written.text) as Json) }
}

type WrittenOutput = Omit<ReadOutput, 'value'>

async function readInPieces(
  output: unknown,
  roughBytes: number,
  options: ReadLargeOutputOptions,
): Promise<ReadOutput | RefusedOutput> {
  await options.memory?.claim(roughBytes)
  await yieldToEventLoop()
  // Measured once more: the block may have changed it meanwhile.
  const written = writeOutput(output, options)
  if (written.kind === 'refused') return written
  await yieldToEventLoop()
  const value = JSON.parse(written.text) as Json
  await yieldToEventLoop()
  return { ...written, value: await withPauses(deepFreezePieces(value)) }
}

function writeOutput(output: unknown, options: ReadOutputOptions): WrittenOutput | RefusedOutput {
  return checkText(toJsonText(output, OUTPUT_MAX_BYTES), options)
}

function refusal({ pointer, reason, isTooLarge }: NotPlainJson, { hint }: ReadOutputOptions): RefusedOutput {
  if (isTooLarge) return tooLarge(`The output ${reason}, which is the limit.`, hint)
  const message = `The output is not plain JSON: the value at "${pointer}" ${reason}.`
  return { kind: 'refused', code: 'OUTPUT_INVALID', message }
}

function checkText(plain: JsonTextResult, options: ReadOutputOptions): WrittenOutput | RefusedOutput {
  const { hint, scrubber } = options
  if (!plain.ok) return refusal(plain.problem, options)
  const size = jsonHeapSize(plain.text)
  const problem = complexityProblem(size, 'The output')
  if (problem !== null) return tooLarge(problem, hint)
  const text = scrubber?.json(plain.text) ?? plain.text
  return { kind: 'output', text, heapBytes: size.heapBytes }
}

/** Why a value of this size is too much for an output; null where it is not. */
export function complexityProblem(
  { heapBytes, values, maxMembers, isTooDeep }: JsonHeapSize,
  subject: string,
): string | null {
  if (isTooDeep) return `${subject} is nested deeper than ${JSON_MAX_DEPTH} levels.`
  if (values > OUTPUT_MAX_VALUES) return `${subject} has ${values} values; ${OUTPUT_MAX_VALUES} are allowed.`
  if (maxMembers > OUTPUT_OBJECT_MAX_MEMBERS)
    return `An object in ${subject.replace('The', 'the')} has ${maxMembers} members; ${OUTPUT_OBJECT_MAX_MEMBERS} are allowed.`
  if (heapBytes > OUTPUT_MAX_HEAP_BYTES)
    return `${subject} would take about ${heapBytes} bytes in memory; ${OUTPUT_MAX_HEAP_BYTES} are allowed.`
  return null
}

function tooLarge(message: string, hint: string): RefusedOutput {
  return { kind: 'refused', code: 'OUTPUT_TOO_LARGE', message: `${message} ${hint}` }
}
