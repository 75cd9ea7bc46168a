import type pg from 'pg'
import { TERMINAL_EVENT_KINDS, type EventKind } from '../../src/engine/record/event.ts'
import type { JobId } from '../../src/lib/ids.ts'
import type { Json } from '../../src/lib/json/json.ts'
import { jobRow } from './jobs.ts'
import type { LedgerAnswer, LedgerServer } from './ledger-server.ts'
import { recordOf } from './recorded.ts'

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

/** What is wrong with the timeline of a job that has ended: gaps, events that are there twice, an end that is missing or not the last. */
export async function timelineFaults(pool: pg.Pool, jobId: JobId): Promise<string[]> {
  const { events } = await recordOf(pool, jobId)
  const faults: string[] = []
  const told = new Set<string>()
  let progress = 0
  for (const [i, event] of events.entries()) {
    if (event.seq !== i + 1) faults.push(`event ${i + 1} has the number ${event.seq}`)
    if (event.progress < progress) faults.push(`progress falls at event ${event.seq}`)
    progress = event.progress
    const path = 'path' in event.body ? event.body.path : ''
    const fact = `${event.kind} ${path}`
    if (ONCE.includes(event.kind) && told.has(fact)) faults.push(`${fact} is told again at ${event.seq}`)
    told.add(fact)
  }
  const { last_seq, status } = await jobRow(pool, jobId)
  if (last_seq !== events.length) faults.push(`the job counts ${last_seq} events, there are ${events.length}`)
  const last = events.at(-1)?.kind
  if (last !== `JOB_${status}`) faults.push(`the last event is ${last}, the job is ${status}`)
  const ends = events.filter(({ kind }) => (TERMINAL_EVENT_KINDS as readonly EventKind[]).includes(kind))
  if (ends.length !== 1) faults.push(`the timeline tells ${ends.length} ends`)
  return faults
}

/** P2: the answer on record is the last that was ever asked for. */
async function callFaults(
  { pool, ledger }: { readonly pool: pg.Pool; readonly ledger: LedgerServer },
  jobId: JobId,
): Promise<string[]> {
  const { steps } = await recordOf(pool, jobId)
  const recorded = steps.flatMap(({ path, output }) => {
    const answer = answerOf(output)
    if (!answer || answer.nth === ledger.count(answer.key)) return []
    return [`${path}: call ${answer.nth} is on record, but ${ledger.count(answer.key)} were made`]
  })
  const { fence } = await jobRow(pool, jobId)
  const keys = new Set(ledger.calls.map(({ key }) => key).filter((key) => key.startsWith(jobId)))
  const repeated = [...keys].flatMap((key) =>
    ledger.count(key) <= Number(fence) ? [] : [`${key} was called ${ledger.count(key)} times by ${fence}`],
  )
  return [...recorded, ...repeated]
}

/** The ledger's answer in the output of a step; null: the step did not call the ledger. */
export function answerOf(output: Json | undefined): LedgerAnswer | null {
  const { body } = (output ?? {}) as { readonly body?: Partial<LedgerAnswer> | null }
  return body?.receipt === undefined ? null : (body as LedgerAnswer)
}
