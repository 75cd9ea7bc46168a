import {
  itemPath,
  type AttemptRecord,
  type EventKind,
  type LoopItemRecord,
  type StepStatus,
} from '../../engine/record/index.ts'
import type { JsonObject } from '../../lib/json/index.ts'
import type { LoggedStep } from './entry.ts'

// What an entry leaves out because it follows from the rest. The encoder leaves a value out only where these functions give it.

/** The id of the node at the end of a path. */
export function derivedNodeId(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

export function derivedHandles(status: StepStatus): readonly string[] {
  return status === 'COMPLETED' ? ['out'] : []
}

type Ends = Pick<LoggedStep, 'status' | 'attempt' | 'startedAt' | 'finishedAt' | 'error'>

/** The attempts of a step that ended with its first one. */
export function derivedAttempts(step: Ends): readonly AttemptRecord[] {
  const { status, attempt, startedAt, finishedAt, error } = step
  if (status !== 'COMPLETED' && status !== 'FAILED') return []
  if (attempt !== 1 || startedAt === null || finishedAt === null) return []
  return [
    {
      number: 1,
      status,
      startedAt: new Date(startedAt).toISOString(),
      finishedAt: new Date(finishedAt).toISOString(),
      ...(error ? { error } : {}),
    },
  ]
}

/** The body of an event about a step, without what all such events have; null: it does not follow from the step. */
export function derivedStepBody(kind: EventKind, step: LoggedStep): JsonObject | null {
  const { startedAt, finishedAt, dueAt, error, wait, handles, attempts } = step
  const last = attempts.at(-1)
  const usage: JsonObject = last?.usage ? { usage: last.usage } : {}
  switch (kind) {
    case 'STEP_STARTED':
    case 'STEP_SKIPPED':
      return {}
    case 'STEP_COMPLETED': {
      const durationMs = (finishedAt ?? 0) - (startedAt ?? finishedAt ?? 0)
      return { handles: [...handles], durationMs, ...usage, ...(step.attempt === 0 ? { reused: true } : {}) }
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
