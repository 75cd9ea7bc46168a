import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { createExecutionStore } from '../../src/db/executions/execution-store.ts'
import type { Lease } from '../../src/db/jobs/job-claims.ts'
import {
  createJobStore,
  NotPublishedError,
  ParentEndedError,
  type JobStore,
} from '../../src/db/jobs/job-store.ts'
import type { NewJob } from '../../src/db/jobs/new-job.ts'
import { createEventStore } from '../../src/db/stores/event-store.ts'
import { event } from '../../src/engine/record/event.ts'
import {
  newId,
  type JobId,
  type WorkerId,
  type WorkflowId,
  type WorkflowVersionId,
} from '../../src/lib/ids.ts'
import { createTestDatabase, openPool, type TestDatabase } from '../support/database.ts'
import {
  claimExpired,
  claimWaiting,
  commandsAfter,
  expireLease,
  jobRow,
  newJob,
  OWNER,
  sendCancel,
  storeJob,
  STRANGER,
  timelineKinds,
} from '../support/jobs.ts'
import { until } from '../support/until.ts'

let database: TestDatabase
let jobs: JobStore

beforeAll(async () => {
  database = await createTestDatabase()
  jobs = createJobStore(database.pool)
})

beforeEach(() => database.pool.query('TRUNCATE jobs, job_log, idempotency_keys CASCADE'))

afterAll(() => database.drop())

// Starts

test('a start stores job, execution, values and first event', async () => {
  const id = await storeJob(database.pool, {
    input: { b: 1, a: [2] },
    variables: { x: 1 },
    metadata: { by: 'me' },
  })
  expect(await jobs.find(OWNER, id)).toMatchObject({
    id,
    status: 'QUEUED',
    progress: 0,
    lastSeq: 1,
    error: null,
  })
  expect(await timelineKinds(database.pool, id)).toEqual(['JOB_QUEUED'])
  // The row of the job stands for the event.
  expect(await count('job_log')).toBe(0)
  const details = await createExecutionStore(database.pool).details(id)
  expect(details).toEqual({
    workflowId: null,
    versionId: null,
    label: null,
    mode: 'production',
    metadata: { by: 'me' },
    input: { b: 1, a: [2] },
    variables: { x: 1 },
    mocks: null,
    output: null,
    priority: 0,
    tags: [],
  })
  // Values are kept as they were written: members in their order.
  expect(Object.keys(details?.input as object)).toEqual(['b', 'a'])
})

test('after its first five executions on a connection, Postgres does not plan the statement of a start again', async () => {
  const pool = openPool(database.url, { max: 1 })
  try {
    // Refused: such a version does not exist. The statement is the same.
    const version = {
      onlyIfPublished: true,
      workflowId: newId<WorkflowId>(),
      versionId: newId<WorkflowVersionId>(),
    }
    for (let n = 0; n < 8; n++) await expect(storeJob(pool, version)).rejects.toThrow(NotPublishedError)
    const { rows } = await pool.query(
      `SELECT custom_plans::int AS custom, generic_plans::int AS generic FROM pg_prepared_statements WHERE name LIKE 'job-insert%'`,
    )
    expect(rows).toEqual([{ custom: 5, generic: 3 }])
  } finally {
    await pool.end()
  }
})

test('a start may be taken in the same statement', async () => {
  const lease = newLease()
  const id = await storeJob(database.pool, { lease })
  expect(await jobRow(database.pool, id)).toMatchObject({ holder: lease.workerId, fence: '1', wake_at: null })
  expect(await claimWaiting(jobs, newLease(), 10)).toEqual([])
})

test('a job that waits to be started wants nobody and has no event', async () => {
  const id = await storeJob(database.pool, { status: 'CREATED', wakeAt: null })
  expect(await timelineKinds(database.pool, id)).toEqual([])
  expect(await claimWaiting(jobs, newLease(), 10)).toEqual([])
  expect(await jobs.queue({ id, ownerId: OWNER }, event('JOB_QUEUED', 1, {}), null)).toMatchObject({ id })
  expect(await timelineKinds(database.pool, id)).toEqual(['JOB_QUEUED'])
  expect((await claimWaiting(jobs, newLease(), 10)).map((job) => job.id)).toEqual([id])
})

test('of many that start a created job at once, one does', async () => {
  const id = await storeJob(database.pool, { status: 'CREATED', wakeAt: null })
  const start = (lease: Lease | null) => jobs.queue({ id, ownerId: OWNER }, event('JOB_QUEUED', 1, {}), lease)
  const started = await Promise.all([1, 2, 3, 4].map((n) => start(n % 2 === 0 ? newLease() : null)))
  expect(started.filter((job) => job !== null)).toHaveLength(1)
  expect(await timelineKinds(database.pool, id)).toEqual(['JOB_QUEUED'])
})

test('a job that is started for a handler function is held from its first moment', async () => {
  const lease = newLease()
  const id = await storeJob(database.pool, { status: 'CREATED', wakeAt: null })
  const claimed = await jobs.queue({ id, ownerId: OWNER }, event('JOB_QUEUED', 1, {}), lease)
  expect(claimed).toMatchObject({ id, fence: 1n, lastSeq: 1, handler: 'process', commandsSent: 0 })
  expect(await jobRow(database.pool, id)).toMatchObject({ holder: lease.workerId, wake_at: null })
})

// Idempotency (D9)

test('the same key with the same request stands for the first job', async () => {
  const first = await insertKeyed({ requestHash: 'a' })
  const again = await insertKeyed({ requestHash: 'a' })
  expect(first.result).toEqual({ kind: 'inserted' })
  expect(again.result).toEqual({ kind: 'taken', jobId: first.id, requestHash: hash('a') })
  expect(await count('jobs')).toBe(1)
})

test('the same key with another request is told whose it is, and starts nothing', async () => {
  const first = await insertKeyed({ requestHash: 'a' })
  const other = await insertKeyed({ requestHash: 'b' })
  expect(other.result).toEqual({ kind: 'taken', jobId: first.id, requestHash: hash('a') })
  expect(await count('jobs')).toBe(1)
})

test('a key is free again once it has expired', async () => {
  const first = await insertKeyed({ requestHash: 'a' })
  await database.pool.query(`UPDATE idempotency_keys SET expires_at = now() - interval '1 s'`)
  const second = await insertKeyed({ requestHash: 'b' })
  expect(second.result).toEqual({ kind: 'inserted' })
  const third = await insertKeyed({ requestHash: 'b' })
  expect(third.result).toMatchObject({ kind: 'taken', jobId: second.id })
  expect(second.id).not.toBe(first.id)
})

test('twenty starts at once with one key give one job', async () => {
  const starts = await Promise.all(Array.from({ length: 20 }, () => insertKeyed({ requestHash: 'a' })))
  const inserted = starts.filter(({ result }) => result.kind === 'inserted')
  expect(inserted).toHaveLength(1)
  for (const { result } of starts) {
    if (result.kind === 'taken') expect(result.jobId).toBe(inserted[0]?.id)
  }
  expect([await count('jobs'), await count('executions'), await count('job_log')]).toEqual([1, 1, 0])
})

test('owners have their keys to themselves', async () => {
  const mine = await insertKeyed({ requestHash: 'a' })
  const theirs = await insertKeyed({ requestHash: 'a', ownerId: STRANGER })
  expect([mine.result.kind, theirs.result.kind]).toEqual(['inserted', 'inserted'])
})

test('a child is stored only while its parent is open and not being canceled', async () => {
  const parent = await storeJob(database.pool)
  const child = await newJob(database.pool, {
    parent: { id: parent, path: 'call', depth: 1, rootId: parent },
  })
  expect(await jobs.insert(child)).toEqual({ kind: 'inserted' })
  await database.pool.query('UPDATE jobs SET cancel_requested_at = now() WHERE id = $1', [parent])
  const late = { ...child, id: newId<JobId>() }
  await expect(jobs.insert(late)).rejects.toThrow(ParentEndedError)
})

// Claims (D5, D7)

test('the job of highest priority goes first, then the one that waits longest', async () => {
  const at = Date.now() - 60_000
  const late = await storeJob(database.pool, { wakeAt: at + 2_000 })
  const early = await storeJob(database.pool, { wakeAt: at + 1_000 })
  const urgent = await storeJob(database.pool, { wakeAt: at + 3_000, priority: 5 })
  const order: (JobId | undefined)[] = []
  for (let i = 0; i < 3; i++) order.push((await claimWaiting(jobs, newLease(), 1))[0]?.id)
  expect(order).toEqual([urgent, early, late])
})

test('a job whose time has not come is left alone', async () => {
  const id = await storeJob(database.pool, { wakeAt: Date.now() + 3_600_000 })
  expect(await claimWaiting(jobs, newLease(), 10)).toEqual([])
  await database.pool.query(`UPDATE jobs SET wake_at = now() - interval '1 s' WHERE id = $1`, [id])
  expect(await claimWaiting(jobs, newLease(), 10)).toHaveLength(1)
})

test('the times at which jobs come due soon are told once each, rounded up', async () => {
  const minutes = (count: number) => Date.now() + count * 60_000
  for (const count of [-1, 10, 10, 12, 20]) await storeJob(database.pool, { wakeAt: minutes(count) })
  const soon = await jobs.dueWithin(15 * 60_000, 60_000)
  expect(soon.toSorted((a, b) => a - b)).toEqual([10 * 60_000, 12 * 60_000])
})

test('a claim gives what a worker needs, takes no more than asked for, and raises the fence', async () => {
  await Promise.all(Array.from({ length: 5 }, () => storeJob(database.pool)))
  const lease = newLease()
  const claimed = await claimWaiting(jobs, lease, 3)
  expect(claimed).toHaveLength(3)
  expect(claimed[0]).toEqual({
    depth: 0,
    rootId: null,
    isChild: false,
    id: expect.any(String),
    ownerId: OWNER,
    fence: 1n,
    lastSeq: 1,
    entryNo: 0,
    handler: 'engine',
    progress: 0,
    recoveries: 0,
    commandsSent: 0,
    commandsApplied: 0,
  })
  const row = await jobRow(database.pool, claimed[0]?.id ?? '')
  expect(row).toMatchObject({ holder: lease.workerId, wake_at: null, status: 'QUEUED' })
  expect(row.leased_until?.getTime()).toBeGreaterThan(Date.now())
})

test('workers that claim at once share the jobs; none is claimed twice and none waits for another', async () => {
  await Promise.all(Array.from({ length: 40 }, () => storeJob(database.pool)))
  const claims = await Promise.all(Array.from({ length: 8 }, () => claimWaiting(jobs, newLease(), 10)))
  const ids = claims.flat().map(({ id }) => id)
  expect(new Set(ids).size).toBe(ids.length)
  while (ids.length < 40) {
    const more = await claimWaiting(jobs, newLease(), 10)
    expect(more.length).toBeGreaterThan(0)
    ids.push(...more.map(({ id }) => id))
  }
  expect(new Set(ids).size).toBe(40)
})

test('a claim steps over jobs that another session has locked', async () => {
  const locked = await storeJob(database.pool)
  const free = await storeJob(database.pool)
  const other = await database.pool.connect()
  await other.query('BEGIN')
  await other.query('SELECT 1 FROM jobs WHERE id = $1 FOR UPDATE', [locked])
  expect((await claimWaiting(jobs, newLease(), 10)).map(({ id }) => id)).toEqual([free])
  await other.query('ROLLBACK')
  other.release()
})

test('a lease that ran out makes a job claimable, and counts as a loss; one that did not does not', async () => {
  const [alive, dead] = [
    await storeJob(database.pool, { lease: newLease() }),
    await storeJob(database.pool, { lease: newLease() }),
  ]
  await expireLease(database.pool, dead)
  const claimed = await claimExpired(jobs, newLease(), 10)
  expect(claimed.map(({ id, fence, recoveries }) => [id, fence, recoveries])).toEqual([[dead, 2n, 1]])
  expect(await jobRow(database.pool, alive)).toMatchObject({ fence: '1', recoveries: 0 })
})

test('jobs of lost workers are shared by the workers that claim them at once', async () => {
  const ids = await Promise.all(
    Array.from({ length: 20 }, () => storeJob(database.pool, { lease: newLease() })),
  )
  await jobs.expireLeases()
  const claims = await Promise.all(Array.from({ length: 6 }, () => claimExpired(jobs, newLease(), 20)))
  expect(
    claims
      .flat()
      .map(({ id }) => id)
      .sort(),
  ).toEqual(ids.sort())
})

test('an inbox is claimed only when it holds something unread, and nobody holds the job', async () => {
  const free = await storeJob(database.pool, { wakeAt: Date.now() + 3_600_000 })
  const held = await storeJob(database.pool, { lease: newLease() })
  expect(await jobs.claimCommanded(newLease(), free)).toBeNull()
  await sendCancel(database.pool, OWNER, free)
  await sendCancel(database.pool, OWNER, held)
  expect(await jobs.claimCommanded(newLease(), held)).toBeNull()
  const claims = await Promise.all([1, 2, 3].map(() => jobs.claimCommanded(newLease(), free)))
  expect(claims.filter((job) => job !== null)).toEqual([
    expect.objectContaining({ id: free, commandsSent: 1 }),
  ])
})

// Leases

test('a heartbeat lengthens the leases of the jobs that it names and the worker still holds, and tells them', async () => {
  const lease = newLease()
  const [mine, notNamed, stolen] = [
    await storeJob(database.pool, { lease }),
    await storeJob(database.pool, { lease }),
    await storeJob(database.pool, { lease }),
  ]
  await jobs.expireLeases()
  await database.pool.query('UPDATE jobs SET holder = $2, fence = 2 WHERE id = $1', [
    stolen,
    newId<WorkerId>(),
  ])
  await sendCancel(database.pool, OWNER, mine)
  expect(await jobs.renew(lease, [mine, stolen])).toEqual([{ id: mine, fence: 1n, commandsSent: 1 }])
  expect((await jobRow(database.pool, mine)).leased_until?.getTime()).toBeGreaterThan(Date.now())
  expect((await claimExpired(jobs, newLease(), 10)).map(({ id }) => id).sort()).toEqual(
    [notNamed, stolen].sort(),
  )
})

test('a worker that stops in good order gives its jobs back at once, without counting a loss', async () => {
  const lease = newLease()
  const id = await storeJob(database.pool, { lease })
  const other = await storeJob(database.pool, { lease: newLease() })
  await jobs.release(lease.workerId)
  expect((await claimWaiting(jobs, newLease(), 10)).map((job) => [job.id, job.recoveries])).toEqual([[id, 0]])
  expect((await jobRow(database.pool, other)).holder).not.toBeNull()
})

// Commands (D8)

test('a cancel is accepted exactly once, and shows at once', async () => {
  const id = await storeJob(database.pool, { lease: newLease() })
  const accepted = await Promise.all(Array.from({ length: 10 }, () => sendCancel(database.pool, OWNER, id)))
  expect(accepted.filter(Boolean)).toHaveLength(1)
  expect(await commandsAfter(database.pool, id, 0)).toEqual([{ number: 1, kind: 'CANCEL' }])
  expect(await commandsAfter(database.pool, id, 1)).toEqual([])
  expect((await jobs.find(OWNER, id))?.status).toBe('CANCELING')
  expect(await jobs.countByStatus(OWNER)).toEqual(new Map([['CANCELING', 1]]))
})

test('a cancel wakes a job that nobody holds, and leaves the lease of one that is held', async () => {
  const far = Date.now() + 3_600_000
  const lease = newLease()
  const unheld = await storeJob(database.pool, { wakeAt: far })
  const held = await storeJob(database.pool, { lease })
  await Promise.all([sendCancel(database.pool, OWNER, unheld), sendCancel(database.pool, OWNER, held)])
  expect((await claimWaiting(jobs, newLease(), 10)).map(({ id }) => id)).toEqual([unheld])
  expect(await jobRow(database.pool, held)).toMatchObject({ holder: lease.workerId, wake_at: null })
})

test('a cancel of an ended job is refused', async () => {
  const id = await storeJob(database.pool)
  await database.pool.query(
    `UPDATE jobs SET status = 'CANCELED', finished_at = now(), wake_at = NULL WHERE id = $1`,
    [id],
  )
  expect(await sendCancel(database.pool, OWNER, id)).toBe(false)
  expect(await commandsAfter(database.pool, id, 0)).toEqual([])
})

test('a created job that was canceled cannot be started any more', async () => {
  const id = await storeJob(database.pool, { status: 'CREATED', wakeAt: null })
  expect(await sendCancel(database.pool, OWNER, id)).toBe(true)
  expect(await jobs.queue({ id, ownerId: OWNER }, event('JOB_QUEUED', 1, {}), null)).toBeNull()
})

// Tenants (P8)

test('another owner’s id behaves exactly as a random one', async () => {
  const id = await storeJob(database.pool, { status: 'CREATED', wakeAt: null })
  const before = await jobRow(database.pool, id)
  const events = createEventStore(database.pool)
  const executions = createExecutionStore(database.pool)
  const seen = async (jobId: JobId) => ({
    found: await jobs.find(STRANGER, jobId),
    canceled: await sendCancel(database.pool, STRANGER, jobId),
    queued: await jobs.queue({ id: jobId, ownerId: STRANGER }, event('JOB_QUEUED', 1, {}), null),
    events: await events.after({ id: jobId, ownerId: STRANGER }, 0, 10),
    recorded: await executions.loadRecorded({ id: jobId, ownerId: STRANGER }),
    counts: await jobs.countByStatus(STRANGER),
  })
  expect(await seen(id)).toEqual(await seen(newId()))
  expect(await jobRow(database.pool, id)).toEqual(before)
})

test('heartbeats and flushes take their locks in one order, so that they never wait in a circle', async () => {
  const lease = newLease()
  // Stored against the order of their ids, so that the order of the table is not that of the ids.
  const ids = Array.from({ length: 2 }, () => newId<JobId>())
    .sort()
    .reverse()
  for (const id of ids) await storeJob(database.pool, { id, lease })
  const [high, low] = ids as [JobId, JobId]
  const other = await database.pool.connect()
  await other.query('BEGIN')
  await other.query('SELECT 1 FROM jobs WHERE id = $1 FOR UPDATE', [low])
  const renewal = jobs.renew(lease, ids)
  await until('the heartbeat waits', async () => {
    const { rows } = await database.pool.query(
      `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    )
    return rows.length === 1
  })
  // It waits for the lower id without holding the higher one.
  await other.query('SELECT 1 FROM jobs WHERE id = $1 FOR UPDATE NOWAIT', [high])
  await other.query('COMMIT')
  other.release()
  expect(await renewal).toHaveLength(2)
})

function newLease(): Lease {
  return { workerId: newId(), leaseMs: 60_000 }
}

const KEY_LIFE_MS = 30 * 86_400_000

function hash(letter: string): string {
  return letter.repeat(64)
}

async function insertKeyed({ requestHash, ...change }: { requestHash: string } & Partial<NewJob>) {
  const idempotency = { key: 'key', requestHash: hash(requestHash), expiresAt: Date.now() + KEY_LIFE_MS }
  const job = await newJob(database.pool, { ...change, idempotency })
  return { id: job.id, result: await jobs.insert(job) }
}

async function count(table: 'jobs' | 'executions' | 'job_log'): Promise<number> {
  const { rows } = await database.pool.query<{ count: number }>(`SELECT count(*)::int AS count FROM ${table}`)
  return rows[0]?.count ?? 0
}

// Storage

test('the tables of executions have one index for each way in which rows are found, and only partial ones on what changes', async () => {
  const { rows } = await database.pool.query<{ table: string; name: string; isPartial: boolean }>(
    `SELECT c.relname AS table, i.indexrelid::regclass::text AS name, i.indpred IS NOT NULL AS "isPartial"
     FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
     WHERE c.relname IN ('jobs', 'executions', 'job_log', 'job_values', 'job_pages', 'uncounted_jobs') ORDER BY 1, 2`,
  )
  const names = (isPartial: boolean) =>
    rows.filter((row) => row.isPartial === isPartial).map(({ table, name }) => `${table}: ${name}`)
  expect(names(false)).toEqual([
    'executions: executions_owner_id_workflow_id_created_at_id_idx',
    'executions: executions_pkey',
    'job_log: job_log_pkey',
    'job_pages: job_pages_pkey',
    'job_values: job_values_pkey',
    'jobs: jobs_owner_id_created_at_id_idx',
    'jobs: jobs_pkey',
    'uncounted_jobs: uncounted_jobs_pkey',
  ])
  // Of these an execution of a version that has ended, and has no parent, is in three: ended, finished and version.
  expect(names(true)).toEqual([
    'executions: executions_retries_idx',
    'executions: executions_schedule_idx',
    'executions: executions_scheduled_idx',
    'executions: executions_version_idx',
    'jobs: jobs_cancelable_idx',
    'jobs: jobs_canceled_idx',
    'jobs: jobs_children_idx',
    'jobs: jobs_due_idx',
    'jobs: jobs_ended_idx',
    'jobs: jobs_finished_idx',
    'jobs: jobs_held_idx',
    'jobs: jobs_open_idx',
    'jobs: jobs_root_idx',
    'jobs: jobs_suspect_idx',
    'jobs: jobs_untold_idx',
    'jobs: jobs_wanting_idx',
  ])
})
