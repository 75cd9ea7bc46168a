import { isDeepStrictEqual } from 'node:util'
import type pg from 'pg'
import type { JobId } from '../../../src/lib/ids.ts'
import { createExecutionStore } from '../../../src/db/executions/execution-store.ts'
import { jobRow } from '../jobs.ts'
import type { LedgerServer } from '../ledger-server.ts'
import { answerOf, timelineFaults } from '../promises.ts'
import { recordOf, type Recorded } from '../recorded.ts'
import { uuidOf } from '../uuid-of.ts'
import type { SeenRun } from './storm-client.ts'

/** What stands after a storm: the record, and what others know independently of it. */
export interface Aftermath {
  readonly pool: pg.Pool
  readonly ledger: LedgerServer
  /** Whether the process of this id was killed, frozen or cut off at or after an instant; null: any process. */
  wasStruck(pid: number | null, since: number): boolean
}

/**
 * What is wrong with executions that have ended, compared with what their clients saw and with the calls that the ledger received:
 * one that is lost or doubled, failed or has another output, an event that a subscriber missed or received twice, a paid call that was
 * made twice, a result that the ledger never gave. Nothing is.
 */
export async function faultsAfter(
  aftermath: Aftermath,
  runs: readonly SeenRun[],
): Promise<readonly string[]> {
  const { pool } = aftermath
  const faults: string[] = []
  const { rows } = await pool.query<{ id: string; parent: string | null; status: string; isEnded: boolean }>(
    'SELECT id, parent_id AS parent, status, finished_at IS NOT NULL AS "isEnded" FROM jobs',
  )
  const roots = new Set(runs.map(({ jobId }) => uuidOf(jobId)))
  if (roots.size !== runs.length) faults.push(`${runs.length} starts are ${roots.size} executions`)
  for (const { id, parent, status, isEnded } of rows) {
    if (!isEnded) faults.push(`${id} stands at ${status} and has no end`)
    if (parent === null && !roots.has(id)) faults.push(`no client knows ${id}`)
  }
  for (const run of runs) {
    const found = await faultsOf(aftermath, run)
    faults.push(...found.map((fault) => `${run.key} (${uuidOf(run.jobId)}): ${fault}`))
  }
  for (const { id } of rows.filter(({ parent }) => parent !== null)) {
    const found = [
      ...(await timelineFaults(pool, id as JobId)),
      ...callFaults(aftermath, id, await recordOf(pool, id)),
    ]
    faults.push(...found.map((fault) => `child ${id}: ${fault}`))
  }
  return faults
}

async function faultsOf(aftermath: Aftermath, { jobId, shape, events }: SeenRun): Promise<readonly string[]> {
  const { pool } = aftermath
  const id = uuidOf(jobId) as JobId
  const record = await recordOf(pool, id)
  const { status, error } = await jobRow(pool, id)
  const output = (await createExecutionStore(pool).details(id))?.output
  const faults = [...(await timelineFaults(pool, id)), ...callFaults(aftermath, id, record)]
  const stored = record.events.map(({ seq, kind }) => ({ seq, kind }))
  const seen = events.map(({ seq, kind }) => ({ seq, kind }))
  if (!isDeepStrictEqual(seen, stored))
    faults.push(`the subscriber saw ${JSON.stringify(seen)}, on record is ${JSON.stringify(stored)}`)
  if (status === 'COMPLETED') {
    if (!isDeepStrictEqual(output, shape.output)) faults.push(`its output is ${JSON.stringify(output)}`)
  } else if (!isLostPaidCall(aftermath, id, record)) {
    faults.push(`it is ${status}: ${JSON.stringify(error)}, ${JSON.stringify(record.events)}`)
  }
  return faults
}

/** The calls of one job: what is on record was answered so, paid calls were made once. */
function callFaults({ ledger }: Aftermath, jobId: string, { steps }: Recorded): readonly string[] {
  const unknown = steps.flatMap(({ path, output }) => {
    const answer = answerOf(output)
    if (!answer || (answer.nth >= 1 && answer.nth <= ledger.count(answer.key))) return []
    return [
      `${path}: ${JSON.stringify(answer)} is on record, but the ledger received ${ledger.count(answer.key)} calls`,
    ]
  })
  const doubled = ledger.calls.filter(({ key, pid, nth }) => key.startsWith(jobId) && pid !== null && nth > 1)
  return [...unknown, ...doubled.map(({ key, nth }) => `the paid call ${key} was made ${nth} times`)]
}

/**
 * Whether the run failed because it is not known whether a paid call was made, and rightly so: the process that made the call was
 * killed, frozen or cut off from the database after that. If the ledger received no call, any process may have been about to make it.
 */
function isLostPaidCall({ ledger, wasStruck }: Aftermath, jobId: string, { steps }: Recorded): boolean {
  const failed = steps.filter(({ status }) => status === 'FAILED')
  if (failed.length !== 1 || failed[0]?.error?.code !== 'CALL_OUTCOME_UNKNOWN') return false
  const call = ledger.calls.find(({ key, pid }) => key.startsWith(jobId) && pid !== null)
  return call ? wasStruck(call.pid, call.at) : wasStruck(null, 0)
}
