import type pg from 'pg'
import { createCommandStore } from '../../src/db/jobs/command-store.ts'
import type { ClaimedJob, JobClaims, Lease } from '../../src/db/jobs/job-claims.ts'
import { createJobStore } from '../../src/db/jobs/job-store.ts'
import type { NewJob } from '../../src/db/jobs/new-job.ts'
import type { Claim } from '../../src/db/journal/journal.ts'
import { createDefinitionStore } from '../../src/db/stores/definition-store.ts'
import type { JobEvent } from '../../src/engine/record/event.ts'
import type { Command } from '../../src/engine/record/inbox.ts'
import type { JobStatus } from '../../src/engine/record/job.ts'
import { newId, ownerId, type JobId, type OwnerId, type WorkerId } from '../../src/lib/ids.ts'
import { canonicalHash } from '../../src/lib/json/canonical-json.ts'
import { recordOf } from './recorded.ts'
import { inSnapshot } from './snapshot.ts'

export const OWNER = ownerId('owner-1')
export const STRANGER = ownerId('owner-2')

const BODY = { nodes: [{ id: 'a', type: 'core.transform', config: { value: 1 } }], edges: [] }

/** What jobs of tests have in common. */
export const PLAIN_JOB = {
  type: 'WORKFLOW',
  status: 'QUEUED',
  handler: 'engine',
  label: null,
  mode: 'production',
  metadata: {},
  input: null,
  variables: {},
  mocks: null,
  totalNodes: 1,
  priority: 0,
  idempotency: null,
  lease: null,
  parent: null,
  retry: null,
} as const satisfies Partial<NewJob>

/** A job that wants a worker now; `change` says what is special about it. */
export async function newJob(pool: pg.Pool, change: Partial<NewJob> = {}): Promise<NewJob> {
  const owner = change.ownerId ?? OWNER
  const at = Date.now()
  return {
    ...PLAIN_JOB,
    id: newId(),
    ownerId: owner,
    definitionId: await createDefinitionStore(pool).ensure(owner, { hash: canonicalHash(BODY), body: BODY }),
    workflowId: null,
    at,
    wakeAt: at,
    ...change,
  }
}

/** Stores such a job and gives its id. */
export async function storeJob(pool: pg.Pool, change: Partial<NewJob> = {}): Promise<JobId> {
  const job = await newJob(pool, change)
  await createJobStore(pool).insert(job)
  return job.id
}

/** Stores a job that a worker takes in the same statement, and gives that worker's claim. */
export async function storeClaimedJob(pool: pg.Pool, change: Partial<NewJob> = {}): Promise<Claim> {
  const lease = { workerId: newId<WorkerId>(), leaseMs: 60_000 }
  const jobId = await storeJob(pool, { lease, ...change })
  return { jobId, ownerId: change.ownerId ?? OWNER, fence: 1n, lastSeq: 1, entryNo: 0, commandsSeen: 0 }
}

/** Takes up to `limit` jobs that wait for a worker, as a worker with that many free places does. */
export async function claimWaiting(
  jobs: JobClaims,
  lease: Lease,
  limit: number,
): Promise<readonly ClaimedJob[]> {
  return claim(jobs, lease, { limit, isLost: false })
}

/** Takes up to `limit` jobs whose worker was lost, suspects aside. */
export async function claimExpired(
  jobs: JobClaims,
  lease: Lease,
  limit: number,
): Promise<readonly ClaimedJob[]> {
  return claim(jobs, lease, { limit, isLost: true })
}

async function claim(
  jobs: JobClaims,
  lease: Lease,
  { limit, isLost }: { limit: number; isLost: boolean },
): Promise<readonly ClaimedJob[]> {
  const { due } = await jobs.survey({ limit, after: null, except: [] })
  let left = limit
  const shares = due.flatMap((entry) => {
    if ((entry.priority === null) !== isLost) return []
    const count = Math.min(entry.count, left)
    left -= count
    return count > 0 ? [{ ...entry, count }] : []
  })
  return jobs.claim(lease, shares)
}

/** Hands a job to another worker, as a recovery does. */
export async function steal(pool: pg.Pool, jobId: JobId): Promise<Claim> {
  const { rows } = await pool.query<StolenRow>(
    `UPDATE jobs SET fence = fence + 1, holder = $2, leased_until = now() + interval '1 min', wake_at = NULL
     WHERE id = $1 RETURNING owner_id, fence, last_seq, entry_no`,
    [jobId, newId<WorkerId>()],
  )
  const row = rows[0]
  if (!row) throw new Error(`there is no job ${jobId}`)
  const { owner_id, fence, last_seq: lastSeq, entry_no: entryNo } = row
  return { jobId, ownerId: owner_id, fence: BigInt(fence), lastSeq, entryNo, commandsSeen: 0 }
}

interface StolenRow {
  readonly owner_id: OwnerId
  readonly fence: string
  readonly last_seq: number
  readonly entry_no: number
}

/** Lets the lease of a job run out, as time does when its worker is dead. */
export async function expireLease(pool: pg.Pool, jobId: string): Promise<void> {
  await pool.query(`UPDATE jobs SET leased_until = now() - interval '1 s' WHERE id = $1`, [jobId])
}

export interface JobRow {
  readonly status: JobStatus
  readonly fence: string
  readonly last_seq: number
  readonly holder: string | null
  readonly leased_until: Date | null
  readonly wake_at: Date | null
  readonly recoveries: number
  readonly commands_sent: number
  readonly commands_applied: number
  readonly progress: number
  readonly error: { readonly code: string; readonly message: string } | null
  readonly started_at: Date | null
  readonly finished_at: Date | null
}

/** A job's row as it stands in the table. */
export async function jobRow(pool: Pick<pg.Pool, 'query'>, jobId: string): Promise<JobRow> {
  const { rows } = await pool.query<JobRow>('SELECT * FROM jobs WHERE id = $1', [jobId])
  if (!rows[0]) throw new Error(`there is no job ${jobId}`)
  return rows[0]
}

/** The kinds of a job's events in order; fails unless they are numbered from 1 without a gap (P4). */
export async function timelineKinds(pool: pg.Pool, jobId: string): Promise<readonly string[]> {
  return (await timelineOf(pool, jobId)).map(({ kind }) => kind)
}

/** The messages of a job's progress events in order, its other events left out; checks the numbers, too. */
export async function timelineMessages(pool: pg.Pool, jobId: string): Promise<readonly string[]> {
  const events = await timelineOf(pool, jobId)
  return events.flatMap((event) => (event.kind === 'JOB_PROGRESS' ? (event.body.message ?? '') : []))
}

async function timelineOf(pool: pg.Pool, jobId: string): Promise<readonly JobEvent[]> {
  const [{ events }, { last_seq }] = await inSnapshot(pool, async (client) => [
    await recordOf(client, jobId),
    await jobRow(client, jobId),
  ])
  const isGapless = events.every(({ seq }, index) => seq === index + 1) && last_seq === events.length
  if (!isGapless) {
    throw new Error(`job ${jobId} ends at ${last_seq}, its events are ${events.map(({ seq }) => seq).join()}`)
  }
  return events
}

/** Puts a cancel into a job's inbox; false when it was refused. */
export async function sendCancel(pool: pg.Pool, owner: OwnerId, id: JobId): Promise<boolean> {
  return (await createCommandStore(pool).send(owner, id, { kind: 'CANCEL' })).kind === 'sent'
}

/** What lies in a job's inbox after a number. */
export async function commandsAfter(pool: pg.Pool, id: JobId, number: number): Promise<readonly Command[]> {
  return (await createCommandStore(pool).after(id, number)).commands
}
