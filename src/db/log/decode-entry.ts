import { parseEvent, type JobEvent, type LoopItemRecord } from '../../engine/record/index.ts'
import type { JsonObject } from '../../lib/json/index.ts'
import { kindOf, statusOf } from './codes.ts'
import {
  derivedAttempts,
  derivedHandles,
  derivedItemBody,
  derivedNodeId,
  derivedStepBody,
  itemSubject,
} from './derived.ts'
import {
  ENTRY_FORMAT,
  type Changes,
  type EventChange,
  type ItemChange,
  type LoggedStep,
  type StepChange,
} from './entry.ts'
import { orderOf } from './position.ts'

/** A row of `job_log` as it is read; a column that was not asked for is null. */
export interface LogRow {
  /** The number of the last event up to and including this entry. */
  readonly seq: number
  readonly entryNo: number
  readonly format: number
  /** In milliseconds. */
  readonly at: number
  readonly changes: Changes | null
  readonly events: readonly EventChange[] | null
}

/** Throws on an entry that a later build has written. `entryNo` null: it is one of several. */
export function requireKnownFormat({
  format,
  entryNo,
}: {
  readonly format: number
  readonly entryNo: number | null
}): void {
  if (format > ENTRY_FORMAT)
    throw new Error(
      `${entryNo === null ? 'an entry' : `entry ${entryNo}`} of the log has format ${format}, and this build reads formats up to ${ENTRY_FORMAT}: start a newer build`,
    )
}

/** `at`: where the times of the change count from. */
export function decodeStep(change: StepChange, at: number): LoggedStep {
  const { p: path, s, n: attempt = 1, b, f, h, i: inputFrom = [], a, d, c, e: error = null } = change
  const status = s === undefined ? 'COMPLETED' : statusOf(s)
  const startedAt = b === undefined ? null : at + b
  const finishedAt = f === undefined ? null : at + f
  return {
    path,
    order: orderOf(change.o),
    nodeId: change.m ?? derivedNodeId(path),
    status,
    attempt,
    attempts: a ?? derivedAttempts({ status, attempt, startedAt, finishedAt, error, blockVersion: c }),
    handles: h ?? derivedHandles(status),
    inputFrom,
    dueAt: d === undefined ? null : at + d,
    wait: change.w ?? null,
    error,
    reusedFrom: change.r ?? null,
    callKey: change.k ?? null,
    startedAt,
    finishedAt,
  }
}

/** An item on record, without its output. */
export type EndedItem = Omit<LoopItemRecord, 'output'>

/** `at`: where the times of the change count from. */
export function decodeItem(change: ItemChange, at: number): EndedItem {
  return {
    path: change.p,
    order: orderOf(change.o),
    index: change.x,
    status: change.s === undefined ? 'COMPLETED' : 'FAILED',
    error: change.e ?? null,
    reusedFrom: change.r ?? null,
    finishedAt: at + change.f,
  }
}

/** The events of an entry, in order. The row must have been read with both `events` and `changes`. */
export function decodeEvents(row: LogRow): readonly JobEvent[] {
  return decodeEventsBetween(row, 0, row.seq)
}

/** The same, of the events after the number `after` up to the number `last`. */
export function decodeEventsBetween(row: LogRow, after: number, last: number): readonly JobEvent[] {
  requireKnownFormat(row)
  const { at, changes, events } = row
  if (!events) return []
  const first = row.seq - events.length + 1
  let progress = 0
  return events.flatMap((change, place) => {
    const [code, offset, changed = null] = change
    // Each event names its progress only where it differs from that of the event before.
    progress = changed ?? progress
    const seq = first + place
    if (seq <= after || seq > last) return []
    const body = bodyOf(change, changes ?? {}, at)
    return [parseEvent({ seq, at: new Date(at + offset), kind: kindOf(code), progress, body })]
  })
}

function bodyOf(change: EventChange, { s = [], i = [] }: Changes, at: number): JsonObject {
  const [code, , , subject = null, body = null] = change
  if (subject === null) return body ?? {}
  const kind = kindOf(code)
  if (subject < 0) {
    const item = decodeItem(present(i[-1 - subject]), at)
    return { ...itemSubject(item), ...(body ?? derivedItemBody(kind, item)) }
  }
  // Attempts that follow from the rest of the step say nothing that an event has.
  const step = decodeStep({ a: [], ...present(s[subject]) }, at)
  const { path, nodeId, attempt } = step
  return { path, nodeId, attempt, ...(body ?? derivedStepBody(kind, step)) }
}

function present<Change>(change: Change | undefined): Change {
  if (change === undefined) throw new Error('an event of the log names a change that its entry does not have')
  return change
}
