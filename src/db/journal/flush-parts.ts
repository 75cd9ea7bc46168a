import type { SignalUse } from '../../engine/record/index.ts'
import { ENTRY_FORMAT, type LargeValue } from '../log/index.ts'
import { bool, instant, int, jsonText, text, type Columns } from '../sql/index.ts'
import { flushPart, jobPart, type FlushPart } from './flush-part.ts'
import type { JobWrite } from './journal-write.ts'

const ENTRY_COLUMNS: Columns<JobWrite> = {
  seq: int((w) => w.newSeq),
  entry_no: int((w) => w.newEntryNo),
  format: int(() => ENTRY_FORMAT),
  at: instant((w) => w.entry.at),
  changes: jsonText((w) => w.entry.changes),
  events: jsonText((w) => w.entry.events),
  small: jsonText((w) => w.entry.small),
}

/** The row of a job's log. */
const ENTRY = jobPart({
  name: 'job_log',
  columns: ENTRY_COLUMNS,
  statement: insertInto('job_log', ENTRY_COLUMNS),
})

type NewValue = LargeValue & Pick<JobWrite, 'newEntryNo'>

const VALUE_COLUMNS: Columns<NewValue> = {
  entry_no: int((v) => v.newEntryNo),
  key: text((v) => v.key),
  value: jsonText((v) => v.value),
}

const LARGE_VALUES = flushPart<NewValue>({
  name: 'job_values',
  rows: ({ entry, newEntryNo }) => entry.large.map((value) => ({ ...value, newEntryNo })),
  columns: VALUE_COLUMNS,
  statement: insertInto('job_values', VALUE_COLUMNS),
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

/** Jobs whose ends are to be counted. */
const ENDS = flushPart<null>({
  name: 'ends',
  rows: ({ end }) => (end ? [null] : []),
  columns: { is_ended: bool(() => true) },
  statement: (from) => `INSERT INTO uncounted_jobs (owner_id, job_id) SELECT g.owner_id, g.id FROM ${from}`,
})

/**
 * What a flush may write beside its jobs, in groups by name. A statement holds the groups that have a row to write, so the
 * number of groups bounds the number of statements. Parts that are rare share a group.
 */
export const FLUSH_PARTS: Readonly<Record<string, readonly FlushPart[]>> = {
  log: [ENTRY],
  large: [LARGE_VALUES],
  ends: [ENDS],
  inbox: [SIGNALS, READ_ENDS],
}

/** Returns the statement that inserts rows `r` into a table, each with the id of its job `g`. */
function insertInto(table: string, columns: Columns<never>): FlushPart['statement'] {
  const names = Object.keys(columns)
  return (from) => `INSERT INTO ${table} (job_id, ${names.join(', ')})
  SELECT g.id, ${names.map((name) => `r.${name}`).join(', ')} FROM ${from}`
}
