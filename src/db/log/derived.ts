import {
  itemPath,
  type AttemptRecord,
  type EventKind,
  type LoopItemRecord,
  type StepStatus,
} from '../../engine/record/index.ts'
import { sameJson, type JsonObject } from '../../lib/json/index.ts'
import type { LoggedStep } from './entry.ts'

// What an entry leaves out because it follows from the rest. The encoder leaves a value out only where these functions give it.

/** The id of the node at the end of a path. */
export function derivedNodeId(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

export function derivedHandles(status: StepStatus): readonly string[] {
  return status === 'COMPLETED' ? ['out'] : []
}

/** Whether `derivedHandles` returns the handles of a step. */
export function hasDerivedHandles({ status, handles }: Pick<LoggedStep, 'status' | 'handles'>): boolean {
  return status === 'COMPLETED' ? handles.length === 1 && handles[0] === 'out' : handles.length === 0
}

interface Ends extends Pick<LoggedStep, 'status' | 'attempt' | 'startedAt' | 'finishedAt' | 'error'> {
  /** That of the block that made the attempt; undefined: it is not on record. */
  readonly blockVersion: string | undefined
}

/** The attempts of a step that ended with its first one. */
export function derivedAttempts(step: Ends): readonly AttemptRecord[] {
  const { status, attempt, startedAt, finishedAt, error, blockVersion } = step
  if (status !== 'COMPLETED' && status !== 'FAILED') return []
  if (attempt !== 1 || startedAt === null || finishedAt === null) return []
  return [
    {
      number: 1,
      status,
      startedAt: instantText(startedAt),
      finishedAt: instantText(finishedAt),
      ...(blockVersion === undefined ? {} : { blockVersion }),
      ...(error ? { error } : {}),
    },
  ]
}

/** Whether `derivedAttempts` returns the attempts of a step, from the block's version of the first. It makes none where the step completed with its first attempt, as almost all do. */
export function hasDerivedAttempts(step: LoggedStep): boolean {
  const { attempts, status, attempt, startedAt, finishedAt, error } = step
  const [only] = attempts
  if (only !== undefined && attempts.length === 1 && status === 'COMPLETED' && error === null) {
    return (
      attempt === 1 &&
      startedAt !== null &&
      finishedAt !== null &&
      only.number === 1 &&
      only.status === status &&
      memberCount(only) === (only.blockVersion === undefined ? 4 : 5) &&
      only.startedAt === instantText(startedAt) &&
      only.finishedAt === instantText(finishedAt)
    )
  }
  const derived = derivedAttempts({ ...step, blockVersion: only?.blockVersion })
  return attempts.length === derived.length && sameJson(attempts, derived)
}

/** The steps of one flush have few different times, and each time is written more than once. */
const INSTANTS_KEPT = 64
const keptInstants = new Float64Array(INSTANTS_KEPT).fill(Number.NaN)
const keptTexts: string[] = []

/** An instant as ISO 8601 writes it. */
function instantText(at: number): string {
  const place = Math.abs(at) % INSTANTS_KEPT
  const kept = keptTexts[place]
  if (kept !== undefined && keptInstants[place] === at) return kept
  const text = new Date(at).toISOString()
  if (Number.isInteger(place)) {
    keptInstants[place] = at
    keptTexts[place] = text
  }
  return text
}

function memberCount(value: object): number {
  let count = 0
  for (const _ in value) count++
  return count
}

/**
 * Whether the whole body of an event about a step follows from the step, for the kinds that almost all events have. False: it may
 * follow all the same.
 */
export function hasUsualStepBody(kind: EventKind, body: object, step: LoggedStep): boolean {
  const { path, nodeId, attempt, handles } = body as StepBody
  if (path !== step.path || nodeId !== step.nodeId || attempt !== step.attempt) return false
  if (kind === 'STEP_STARTED' || kind === 'STEP_SKIPPED') return memberCount(body) === 3
  if (kind !== 'STEP_COMPLETED' || attempt === 0 || handles === undefined || memberCount(body) !== 5)
    return false
  return (
    step.attempts.at(-1)?.usage === undefined &&
    (body as StepBody).durationMs === durationOf(step) &&
    handles.length === step.handles.length &&
    handles.every((handle, place) => handle === step.handles[place])
  )
}

interface StepBody {
  readonly path: string
  readonly nodeId: string
  readonly attempt: number
  readonly handles?: readonly string[]
  readonly durationMs?: number
}

function durationOf({ startedAt, finishedAt }: LoggedStep): number {
  return (finishedAt ?? 0) - (startedAt ?? finishedAt ?? 0)
}

/** The body of an event about a step, without what all such events have; null: it does not follow from the step. */
export function derivedStepBody(kind: EventKind, step: LoggedStep): JsonObject | null {
  const { dueAt, error, wait, handles, attempts } = step
  const last = attempts.at(-1)
  const usage: JsonObject = last?.usage ? { usage: last.usage } : {}
  switch (kind) {
    case 'STEP_STARTED':
    case 'STEP_SKIPPED':
      return {}
    case 'STEP_COMPLETED':
      return {
        handles: [...handles],
        durationMs: durationOf(step),
        ...usage,
        ...(step.attempt === 0 ? { reused: true } : {}),
      }
    case 'STEP_FAILED':
      return error && { error, handledBy: handledBy(handles), ...usage }
    case 'STEP_RETRYING':
      return dueAt === null
        ? null
        : error && { error, nextAttemptAt: new Date(dueAt).toISOString(), ...usage }
    case 'STEP_WAITING':
      return (
        wait && {
          waitsFor: wait.kind,
          until: dueAt === null ? null : new Date(dueAt).toISOString(),
          ...(wait.kind === 'signal' ? { signal: wait.name } : {}),
          ...(wait.kind === 'child' ? { childId: wait.executionId } : {}),
        }
      )
    case 'STEP_CANCELED':
      return { callMayHaveHappened: last?.callMayHaveHappened ?? false }
    default:
      return null
  }
}

function handledBy(handles: readonly string[]): 'fail' | 'continue' | 'route' {
  if (handles.length === 0) return 'fail'
  return handles[0] === 'error' ? 'route' : 'continue'
}

type ItemFacts = Pick<LoopItemRecord, 'path' | 'index' | 'error' | 'reusedFrom'>

/** What all events about an item have. */
export function itemSubject({ path, index }: Pick<ItemFacts, 'path' | 'index'>): JsonObject {
  return { path: itemPath(path, index), nodeId: derivedNodeId(path), index }
}

/** The body of an event about an item, without what all such events have; null: it does not follow from the item. */
export function derivedItemBody(kind: EventKind, { error, reusedFrom }: ItemFacts): JsonObject | null {
  if (kind === 'LOOP_ITEM_COMPLETED') return reusedFrom === null ? {} : { reused: true }
  return kind === 'LOOP_ITEM_FAILED' ? error && { error } : null
}
