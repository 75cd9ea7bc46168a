import { ExpressionError } from '../../cel/index.ts'
import { codeOf, messageOf } from '../../lib/index.ts'
import { isJsonObject, toPlainJson, type Json, type JsonObject } from '../../lib/json/index.ts'
import { shorten } from '../../lib/text/index.ts'
import { BlockError } from '../block/index.ts'

export const STEP_STATUSES = [
  'PENDING',
  'RUNNING',
  'RETRYING',
  'WAITING',
  'COMPLETED',
  'FAILED',
  'SKIPPED',
  'CANCELED',
] as const
export type StepStatus = (typeof STEP_STATUSES)[number]

export const WAIT_KINDS = ['timer', 'signal', 'child'] as const

interface SignalWait {
  readonly kind: 'signal'
  readonly name: string
  readonly schema: JsonObject | boolean | null
  readonly timeoutHandle: string | null
}

/** What a waiting step waits for; its `dueAt` is the timer's end, or when the time for a signal is over. */
export type StepWait =
  | { readonly kind: 'timer' }
  | SignalWait
  | { readonly kind: 'child'; readonly executionId: string }

/**
 * The same as a run keeps it while the step waits. The schema of a signal's payload stays in the tables until a signal comes (see
 * `RunJournal.signal`): 1,000 items of a loop may wait, each with a different schema.
 */
export type KnownWait = Exclude<StepWait, SignalWait> | KnownSignalWait

/** `schemaBytes`: the length of the schema as JSON text; 0 where there is none. */
export type KnownSignalWait = Omit<SignalWait, 'schema'> & { readonly schemaBytes: number }

export function knownSignalWait({ kind, name, schema, timeoutHandle }: SignalWait): KnownSignalWait {
  const schemaBytes = schema === null ? 0 : Buffer.byteLength(JSON.stringify(schema))
  return { kind, name, timeoutHandle, schemaBytes }
}

/** Why an attempt failed, and whether another may help. */
export interface StepFailure {
  readonly code: string
  readonly message: string
  readonly retryable: boolean
  readonly retryAfterMs?: number
  readonly details?: JsonObject
}

/** A failure as it is recorded and shown; a type alias, so that it counts as JSON. */
export type RecordedError = {
  readonly code: string
  readonly message: string
  /** The step it came from, where it is told of an execution or an item. */
  readonly path?: string
  readonly details?: JsonObject
}

/** One ended try of a step. */
export type AttemptRecord = {
  readonly number: number
  readonly status: 'COMPLETED' | 'FAILED' | 'CANCELED'
  readonly startedAt: string
  readonly finishedAt: string
  /** The version of the block that made it. Left out: an earlier build recorded it, or its process ended before it did. */
  readonly blockVersion?: string
  readonly error?: RecordedError
  /** True when the attempt was cut off after its call may have gone out. */
  readonly callMayHaveHappened?: boolean
  /** What the attempt cost, as far as its block told. */
  readonly usage?: AttemptUsage
}

export type AttemptUsage = {
  /** In US dollars. */
  readonly costUsd?: number
  readonly quantities?: { readonly [name: string]: number }
}

/** When the attempt on record began, as near as the record tells. */
export function lastAttemptStart(step: {
  readonly attempts: readonly AttemptRecord[]
  readonly startedAt: number | null
}): number {
  const lastEnd = step.attempts.at(-1)?.finishedAt
  return lastEnd === undefined ? (step.startedAt ?? 0) : Date.parse(lastEnd)
}

/** The path of a node in a graph whose paths begin with `prefix` (empty for the definition's own graph). */
export function stepPath(prefix: string, nodeId: string): string {
  return prefix === '' ? nodeId : `${prefix}/${nodeId}`
}

/** The path of one item of a loop: `post[3]`. */
export function itemPath(loopPath: string, index: number): string {
  return `${loopPath}[${index}]`
}

const MAX_MESSAGE_LENGTH = 4_000
const MAX_CODE_LENGTH = 200
/** Details longer than this, in characters of JSON, are recorded as their length alone. */
const MAX_DETAILS_LENGTH = 16_384

/** What a block failed with when it did not say so by a `BlockError`. */
export const BLOCK_FAILED = 'BLOCK_FAILED'

/**
 * Reads whatever a block threw; what comes out can be recorded, whatever that was. What is not a `BlockError` counts as
 * retryable: nobody said that it cannot be mended. An expression fails the same way every time. Texts are masked before
 * they are cut (P7).
 */
export function failureOf(thrown: unknown, mask: Mask = (value) => value): StepFailure {
  try {
    return readFailure(thrown, mask)
  } catch {
    return { code: BLOCK_FAILED, message: mask(messageOf(thrown)), retryable: true }
  }
}

/** Takes secret values out of texts that somebody may have cut. */
export type Mask = <T extends Json>(value: T) => T

function readFailure(thrown: unknown, mask: Mask): StepFailure {
  const message = shorten(mask(messageOf(thrown)), MAX_MESSAGE_LENGTH)
  if (thrown instanceof ExpressionError) return { code: thrown.code, message, retryable: false }
  if (!(thrown instanceof BlockError)) {
    const code = codeOf(thrown)
    const details = code === undefined ? {} : readDetails({ code }, mask)
    return { code: BLOCK_FAILED, message, retryable: true, ...details }
  }
  // Its author may have written JavaScript: nothing is sure of what the fields hold.
  const { code, retryable, retryAfterMs, details }: { readonly [Field in keyof BlockError]: unknown } = thrown
  return {
    code: shorten(mask(String(code)), MAX_CODE_LENGTH) || BLOCK_FAILED,
    message,
    retryable: retryable === true,
    ...(isLength(retryAfterMs) ? { retryAfterMs } : {}),
    ...readDetails(details, mask),
  }
}

function isLength(ms: unknown): ms is number {
  return typeof ms === 'number' && Number.isFinite(ms) && ms >= 0
}

function readDetails(details: unknown, mask: Mask): { details?: JsonObject } {
  if (details === undefined) return {}
  const plain = toPlainJson(details)
  if (!plain.ok) return { details: { unreadable: `"${plain.problem.pointer}" ${plain.problem.reason}` } }
  if (!isJsonObject(plain.value)) return { details: { value: mask(plain.value) } }
  const { length } = plain.text
  return { details: length > MAX_DETAILS_LENGTH ? { truncated: true, length } : mask(plain.value) }
}

export function recordedError({ code, message, details }: StepFailure, path?: string): RecordedError {
  return {
    code,
    message,
    ...(path === undefined ? {} : { path }),
    ...(details === undefined ? {} : { details }),
  }
}

/** A lost attempt of a call that must not be repeated: it may or may not have happened (E13). */
export const CALL_OUTCOME_UNKNOWN = 'CALL_OUTCOME_UNKNOWN'

/** The output of a step that failed and leaves by its error handle. */
export function errorOutput(error: RecordedError): Json {
  return { error }
}

/** A failure that trying again cannot mend. */
export function finalFailure(code: string, message: string, details?: JsonObject): StepFailure {
  const rest = details === undefined ? {} : { details }
  return { code, message: shorten(message, MAX_MESSAGE_LENGTH), retryable: false, ...rest }
}
