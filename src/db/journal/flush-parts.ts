import type {
  CheckpointRecord,
  LoopItemRecord,
  SignalUse,
  StepRecord,
  StepValuesRecord,
} from '../../engine/record/index.ts'
import { ENTRY_FORMAT, positionOf, type EncodedEntry, type LargeValue } from '../log/index.ts'
import { float, instant, int, json, jsonText, text, uuid } from './flush-column.ts'
import { flushPart, type FlushPart } from './flush-part.ts'
import { insertInto } from './insert-into.ts'
import type { JobWrite, NumberedEvent } from './journal-write.ts'

/** The row of a job's log. */
const ENTRY = insertInto<EncodedEntry & Pick<JobWrite, 'newSeq' | 'newEntryNo'>>({
  table: 'job_log',
  job: 'job_id',
  hasOwner: false,
  rows: ({ entry, newSeq, newEntryNo }) => (entry ? [{ ...entry, newSeq, newEntryNo }] : []),
  key: { seq: int((e) => e.newSeq), entry_no: int((e) => e.newEntryNo) },
  fixed: {
    format: int(() => ENTRY_FORMAT),
    at: instant((e) => e.at),
    changes: jsonText((e) => e.changes),
    events: jsonText((e) => e.events),
    small: jsonText((e) => e.small),
  },
})

const LARGE_VALUES = insertInto<LargeValue & Pick<JobWrite, 'newEntryNo'>>({
  table: 'job_values',
  job: 'job_id',
  hasOwner: false,
  rows: ({ entry, newEntryNo }) => (entry?.large ?? []).map((value) => ({ ...value, newEntryNo })),
  key: { entry_no: int((v) => v.newEntryNo), key: text((v) => v.key) },
  fixed: { value: jsonText((v) => v.value) },
})

const EVENTS = insertInto<NumberedEvent>({
  table: 'job_events',
  job: 'job_id',
  rows: ({ events }) => events,
  key: { seq: int((e) => e.seq) },
  fixed: {
    at: instant((e) => e.draft.at),
    kind: text((e) => e.draft.kind),
    progress: float((e) => e.progress),
    body: jsonText((e) => e.body),
  },
})

const STEPS = insertInto<StepRecord>({
  table: 'steps',
  job: 'execution_id',
  rows: ({ steps }) => steps,
  key: { path: text((s) => s.path) },
  fixed: {
    position: text((s) => positionOf(s.order)),
    node_id: text((s) => s.nodeId),
    input_from: json((s) => s.inputFrom),
  },
  replaced: {
    status: text((s) => s.status),
    attempt: int((s) => s.attempt),
    attempts: json((s) => s.attempts),
    handles: json((s) => s.handles),
    due_at: instant((s) => s.dueAt),
    wait: json((s) => s.wait),
    error: json((s) => s.error),
    started_at: instant((s) => s.startedAt),
    finished_at: instant((s) => s.finishedAt),
    reused_from: uuid((s) => s.reusedFrom),
    call_key: text((s) => s.callKey),
  },
})

const STEP_VALUES = insertInto<StepValuesRecord>({
  table: 'step_values',
  job: 'execution_id',
  rows: ({ values }) => values,
  key: { path: text((v) => v.path) },
  replaced: {
    config: jsonText((v) => v.config),
    output: jsonText((v) => v.output),
  },
})

const LOOP_ITEMS = insertInto<LoopItemRecord>({
  table: 'loop_items',
  job: 'execution_id',
  rows: ({ items }) => items,
  key: { path: text((i) => i.path), index: int((i) => i.index) },
  fixed: {
    status: text((i) => i.status),
    output: jsonText((i) => i.output),
    error: json((i) => i.error),
    finished_at: instant((i) => i.finishedAt),
    reused_from: uuid((i) => i.reusedFrom),
  },
})

const OUTPUT = flushPart<string>({
  name: 'output',
  rows: ({ end }) => (end?.status === 'COMPLETED' ? [end.output] : []),
  columns: { output: jsonText((output) => output) },
  statement: (from) =>
    `UPDATE execution_values v SET output = r.output FROM ${from} WHERE v.execution_id = g.id`,
})

const CHECKPOINTS = insertInto<CheckpointRecord>({
  table: 'step_checkpoints',
  job: 'execution_id',
  rows: ({ checkpoints }) => checkpoints,
  key: { path: text((c) => c.path), key: text((c) => c.key) },
  replaced: { value: jsonText((c) => c.value) },
})

const SIGNALS = flushPart<SignalUse>({
  name: 'signals',
  rows: ({ signals }) => signals,
  columns: { number: int((s) => s.number), path: text((s) => s.path) },
  statement: (from) => `UPDATE commands c SET used_at = now(), used_by = r.path FROM ${from}
  WHERE c.owner_id = g.owner_id AND c.job_id = g.id AND c.number = r.number`,
})

/**
 * Deletes the messages about ends of children that the holder has read. They only wake waits: a wait, also that of the next
 * holder, first reads its child's own row. `before` is the job's row as it was before this statement.
 */
const READ_ENDS = flushPart<number>({
  name: 'read_ends',
  rows: ({ commandsSeen }) => (commandsSeen > 0 ? [commandsSeen] : []),
  columns: { commands_seen: int((commandsSeen) => commandsSeen) },
  statement: (from) => `DELETE FROM commands c USING ${from} JOIN jobs before ON before.id = g.id
  WHERE c.owner_id = g.owner_id AND c.job_id = g.id AND c.number > before.commands_applied
    AND c.number <= r.commands_seen AND c.kind = 'CHILD_ENDED'`,
})

/**
 * What a flush may write beside its jobs, in groups by name. A statement holds the groups that have a row to write, so the
 * number of groups bounds the number of statements. Parts that are rare share a group.
 */
export const FLUSH_PARTS: Readonly<Record<string, readonly FlushPart[]>> = {
  log: [ENTRY, EVENTS],
  large: [LARGE_VALUES],
  steps: [STEPS],
  values: [STEP_VALUES],
  items: [LOOP_ITEMS],
  output: [OUTPUT],
  inbox: [CHECKPOINTS, SIGNALS, READ_ENDS],
}
