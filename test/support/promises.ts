import type pg from 'pg'
import { TERMINAL_EVENT_KINDS, type EventKind } from '../../src/engine/record/event.ts'
import type { JobId } from '../../src/lib/ids.ts'
import { jobRow } from './jobs.ts'
import type { LedgerAnswer, LedgerServer } from './ledger-server.ts'

/** What happens to a step or an item once. */
const ONCE: readonly EventKind[] = [
  'STEP_COMPLETED',
  'STEP_FAILED',
  'STEP_SKIPPED',
  'STEP_CANCELED',
  'LOOP_ITEM_COMPLETED',
  'LOOP_ITEM_FAILED',
  'SIGNAL_RECEIVED',
  'JOB_QUEUED',
  'JOB_STARTED',
  ...TERMINAL_EVENT_KINDS,
]

/**
 * What is wrong with the record of a job that has ended, whatever became of the processes that ran it: a timeline with a
 * gap, an end that is told twice or not, a step that was called again although its result was recorded, or more often than
 * it had holders. Nothing is.
 */
export async function brokenPromises(
  { pool, ledger }: { readonly pool: pg.Pool; readonly ledger: LedgerServer },
  jobId: JobId,
): Promise<readonly string[]> {
  return [...(await timelineFaults(pool, jobId)), ...(await callFaults({ pool, ledger }, jobId))]
}

async function timelineFaults(pool: pg.Pool, jobId: JobId): Promise<string[]> {
  const { rows } = await pool.query<{ seq: number; kind: EventKind; progress: number; path: string | null }>(
    `SELECT seq, kind, progress, body->>'path' AS path FROM job_events WHERE job_id = $1 ORDER BY seq`,
    [jobId],
  )
  const faults: string[] = []
  const told = new Set<string>()
  let progress = 0
  for (const [i, event] of rows.entries()) {
    if (event.seq !== i + 1) faults.push(`event ${i + 1} has the number ${event.seq}`)
    if (event.progress < progress) faults.push(`progress falls at event ${event.seq}`)
    progress = event.progress
    const fact = `${event.kind} ${event.path ?? ''}`
    if (ONCE.includes(event.kind) && told.has(fact)) faults.push(`${fact} is told again at ${event.seq}`)
    told.add(fact)
  }
  const { last_seq, status } = await jobRow(pool, jobId)
  if (last_seq !== rows.length) faults.push(`the job counts ${last_seq} events, there are ${rows.length}`)
  const last = rows.at(-1)?.kind
  if (last !== `JOB_${status}`) faults.push(`the last event is ${last}, the job is ${status}`)
  const ends = rows.filter(({ kind }) => (TERMINAL_EVENT_KINDS as readonly EventKind[]).includes(kind))
  if (ends.length !== 1) faults.push(`the timeline tells ${ends.length} ends`)
  return faults
}

/** P2: the answer on record is the last that was ever asked for. */
async function callFaults(
  { pool, ledger }: { readonly pool: pg.Pool; readonly ledger: LedgerServer },
  jobId: JobId,
): Promise<string[]> {
  const { rows } = await pool.query<{ path: string; answer: LedgerAnswer }>(
    `SELECT path, output->'body' AS answer FROM step_values
     WHERE execution_id = $1 AND json_typeof(output) = 'object' AND output->'body'->>'receipt' IS NOT NULL`,
    [jobId],
  )
  const recorded = rows.flatMap(({ path, answer: { key, nth } }) =>
    nth === ledger.count(key)
      ? []
      : [`${path}: call ${nth} is on record, but ${ledger.count(key)} were made`],
  )
  const { fence } = await jobRow(pool, jobId)
  const keys = new Set(ledger.calls.map(({ key }) => key).filter((key) => key.startsWith(jobId)))
  const repeated = [...keys].flatMap((key) =>
    ledger.count(key) <= Number(fence) ? [] : [`${key} was called ${ledger.count(key)} times by ${fence}`],
  )
  return [...recorded, ...repeated]
}
