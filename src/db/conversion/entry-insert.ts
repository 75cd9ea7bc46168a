import type { JobId } from '../../lib/index.ts'
import { ENTRY_FORMAT, type EncodedEntry } from '../log/index.ts'
import type { Queryable } from '../sql/index.ts'

/** An entry with its place in the log of a job. */
export interface NewEntry {
  readonly jobId: JobId
  readonly entryNo: number
  /** The number of the job's last event up to and including the entry. */
  readonly seq: number
  readonly entry: EncodedEntry
}

/** Stores entries, and the number of the newest one in the row of each job. */
export async function insertEntries(pool: Queryable, entries: readonly NewEntry[]): Promise<void> {
  const of = <T>(read: (entry: NewEntry) => T): T[] => entries.map(read)
  const large = entries.flatMap(({ jobId, entryNo, entry }) =>
    entry.large.map(({ key, value }) => ({ jobId, entryNo, key, value })),
  )
  const newest = new Map(entries.map(({ jobId, entryNo }) => [jobId, entryNo]))
  await pool.query(INSERT, [
    of(({ jobId }) => jobId),
    of(({ entryNo }) => entryNo),
    of(({ seq }) => seq),
    of(({ entry }) => entry.at),
    of(({ entry }) => entry.changes),
    of(({ entry }) => entry.events),
    of(({ entry }) => entry.small),
    large.map(({ jobId }) => jobId),
    large.map(({ entryNo }) => entryNo),
    large.map(({ key }) => key),
    large.map(({ value }) => value),
    [...newest.keys()],
    [...newest.values()],
  ])
}

const INSERT = `
WITH entry AS (
  INSERT INTO job_log (job_id, seq, entry_no, format, at, changes, events, small)
  SELECT job_id, seq, entry_no, ${ENTRY_FORMAT}, to_timestamp(at / 1000), changes::json, events::json, small::json
  FROM unnest($1::uuid[], $2::int[], $3::int[], $4::float8[], $5::text[], $6::text[], $7::text[])
    AS e(job_id, entry_no, seq, at, changes, events, small)
), value AS (
  INSERT INTO job_values (job_id, entry_no, key, value)
  SELECT job_id, entry_no, key, value::json
  FROM unnest($8::uuid[], $9::int[], $10::text[], $11::text[]) AS v(job_id, entry_no, key, value)
)
UPDATE jobs SET entry_no = n.entry_no FROM unnest($12::uuid[], $13::int[]) AS n(id, entry_no) WHERE jobs.id = n.id`
