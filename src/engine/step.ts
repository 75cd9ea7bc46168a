import type { Json, JsonObject } from '../lib/json.ts'
import { BlockError } from './block.ts'
import { codeOf, messageOf } from '../lib/errors.ts'

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
  readonly error?: RecordedError
  /** True when the attempt was cut off after its call may have gone out. */
  readonly callMayHaveHappened?: boolean
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

/** Reads whatever a block threw. What is not a `BlockError` counts as retryable: nobody said that it cannot be mended. */
export function failureOf(thrown: unknown): StepFailure {
  if (thrown instanceof BlockError) {
    const { code, retryable, retryAfterMs, details } = thrown
    return {
      code,
      message: shorten(thrown.message),
      retryable,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      ...(details === undefined ? {} : { details }),
    }
  }
  const code = codeOf(thrown)
  return {
    code: 'BLOCK_FAILED',
    message: shorten(messageOf(thrown)),
    retryable: true,
    ...(code === undefined ? {} : { details: { code } }),
  }
}

export function recordedError({ code, message, details }: StepFailure, path?: string): RecordedError {
  return {
    code,
    message,
    ...(path === undefined ? {} : { path }),
    ...(details === undefined ? {} : { details }),
  }
}

/** The output of a step that failed and leaves by its error handle. */
export function errorOutput(error: RecordedError): Json {
  return { error }
}

function shorten(message: string): string {
  const text = message.replaceAll('\u0000', '\uFFFD').toWellFormed()
  return text.length > MAX_MESSAGE_LENGTH ? `${text.slice(0, MAX_MESSAGE_LENGTH)}…` : text
}
