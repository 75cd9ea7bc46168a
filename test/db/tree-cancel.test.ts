import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { Lume } from '../../src/app.ts'
import { newId, type JobId, type WorkerId } from '../../src/lib/ids.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { createFleet, start, type Fleet } from '../support/fleet.ts'
import { createCommandStore } from '../../src/db/jobs/command-store.ts'
import { createExecutionStore } from '../../src/db/executions/execution-store.ts'
import { createDefinitionStore } from '../../src/db/stores/definition-store.ts'
import { createJournalStore } from '../../src/db/journal/journal-store.ts'
import { Journal, type Claim } from '../../src/db/journal/journal.ts'
import { createUnheldEnds } from '../../src/db/journal/unheld-ends.ts'
import { createLogStore } from '../../src/db/log/log-store.ts'
import { CORE_BLOCKS } from '../../src/blocks/core/core-blocks.ts'
import { BlockRegistry } from '../../src/engine/block/registry.ts'
import { PlanCache } from '../../src/engine/validate/plan-cache.ts'
import { createEndCanceled } from '../../src/jobs/worker/end-canceled.ts'
import { StoredPlans } from '../../src/jobs/worker/stored-plans.ts'
import { systemClock } from '../../src/lib/time/clock.ts'
import { createTreeCancelStore } from '../../src/db/executions/tree-cancel-store.ts'
import { createJobStore, ParentEndedError } from '../../src/db/jobs/job-store.ts'
import { endEntry, recordEnd } from '../../src/engine/run/run-end.ts'
import type { StepRecord } from '../../src/engine/record/journal.ts'
import { event } from '../../src/engine/record/event.ts'
import { createLocalWakeups } from '../../src/db/wakeups.ts'
import { createCommands } from '../../src/jobs/commands.ts'
import { CANCEL_BATCH_JOBS, createTreeCancel } from '../../src/jobs/worker/tree-cancel.ts'
import { newJob, OWNER, steal, storeClaimedJob, storeJob, timelineKinds } from '../support/jobs.ts'
import { createProbe, probes, type Probe } from '../support/probe.ts'
import { recordOf, recordsOf } from '../support/recorded.ts'
import { countStatements } from '../support/statement-count.ts'
import { loopOf, startCallOf, storeWorkflow } from '../support/trees.ts'
import { until } from '../support/until.ts'

const PATIENCE_MS = 60_000

let database: TestDatabase
let fleet: Fleet
let probe: Probe
let lume: Lume

beforeAll(async () => {
  database = await createTestDatabase()
})

beforeEach(async () => {
  await database.pool.query('TRUNCATE jobs, workflows CASCADE')
  fleet = createFleet(database)
  probe = createProbe()
  lume = await open()
})

afterEach(() => fleet.close())

afterAll(() => database.drop())

const open = (concurrency = 8) => fleet.open({ concurrency }, { blocks: [probe.block] })

async function count(condition: string): Promise<number> {
  const { rows } = await database.pool.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM jobs WHERE ${condition}`,
  )
  return rows[0]?.count ?? 0
}

const thereAre = (atLeast: number, condition = 'true') =>
  until(`${atLeast} jobs: ${condition}`, async () => (await count(condition)) >= atLeast, PATIENCE_MS)

const allHaveEnded = () =>
  until('all jobs have ended', async () => (await count('finished_at IS NULL')) === 0, PATIENCE_MS)

/** P4, and no step is left open. */
async function expectWholeTimelines(): Promise<void> {
  const { rows } = await database.pool.query<{ id: JobId }>('SELECT id FROM jobs ORDER BY id')
  const records = await recordsOf(
    database.pool,
    rows.map(({ id }) => id),
  )
  for (const { events, steps } of records.values()) {
    const kinds = events.map(({ kind }) => kind)
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1))
    expect(kinds.at(-1)).toMatch(/^JOB_(CANCELED|FAILED|COMPLETED)$/)
    expect(kinds.filter((kind) => /^JOB_(CANCELED|FAILED|COMPLETED)$/.test(kind))).toHaveLength(1)
    expect(steps.filter(({ finishedAt }) => finishedAt === null)).toEqual([])
  }
}

test(
  'a cancel ends a tree of executions that call themselves, and from then on none of them starts another',
  async () => {
    const other = await open()
    const id = await start(lume, loopOf(await storeWorkflow(lume, loopOf)))
    await thereAre(400)
    const statements = countStatements()
    try {
      expect(await other.jobs.cancelJob(id)).toBe(true)
      const atCancel = await count('true')
      const cancels = statements.take().filter((text) => text.includes('WITH RECURSIVE top'))
      // The user's cancel, and at most two by each of the 16 runs that read it meanwhile; none per job of the tree.
      expect(cancels.length).toBeLessThanOrEqual(4 + 2 * 16)
      await allHaveEnded()
      expect(await count('true')).toBe(atCancel)
    } finally {
      statements.stop()
    }
    expect(await count(`status NOT IN ('CANCELED', 'FAILED')`)).toBe(0)
    expect(await count(`id = '${id}' AND status = 'CANCELED'`)).toBe(1)
    await until(
      'no parent waits for news of a child',
      async () => (await count('NOT is_parent_told AND parent_id IS NOT NULL')) === 0,
    )
    await expectWholeTimelines()
  },
  PATIENCE_MS,
)

test('canceled descendants that no worker holds end although all places are taken', async () => {
  const waits = await storeWorkflow(lume, () => ({
    nodes: [{ id: 'ask', type: 'core.waitForSignal', config: { name: 'go' } }],
    edges: [],
  }))
  const id = await start(lume, loopOf(waits, { items: 30, concurrency: 30 }))
  await thereAre(31, `status = 'WAITING'`)
  const begun = await database.pool.query<{ id: JobId }>(
    'SELECT id FROM jobs WHERE parent_id IS NOT NULL LIMIT 1',
  )
  await Promise.all(Array.from({ length: 8 }, (_, n) => start(lume, probes(`busy-${n}…`))))
  const busy = await Promise.all(Array.from({ length: 8 }, (_, n) => probe.called(`busy-${n}`)))
  await lume.jobs.cancelJob(id)
  await until('the tree has ended', async () => (await count(`status = 'CANCELED'`)) === 31)
  expect(await timelineKinds(database.pool, begun.rows[0]?.id ?? '')).toEqual([
    'JOB_QUEUED',
    'JOB_STARTED',
    'STEP_STARTED',
    'STEP_WAITING',
    'JOB_WAITING',
    'JOB_CANCELING',
    'STEP_CANCELED',
    'JOB_CANCELED',
  ])
  for (const call of busy) call.finish()
})

test('the holders in another process read the cancel of a tree at once, whatever level they run', async () => {
  const leaf = await storeWorkflow(lume, () => probes('leaf…'))
  const middle = await storeWorkflow(lume, () => ({
    nodes: [
      { id: 'call', type: 'core.callWorkflow', config: { workflowId: leaf } },
      { id: 'side', type: 'test.probe', config: { name: 'side', holds: true } },
    ],
    edges: [],
  }))
  const id = await startCallOf(lume, middle)
  const calls = [await probe.called('leaf'), await probe.called('side')]
  const other = await open()
  await other.jobs.cancelJob(id)
  await allHaveEnded()
  expect(calls.map(({ signal }) => signal.aborted)).toEqual([true, true])
  expect(await count(`status = 'CANCELED'`)).toBe(3)
  await expectWholeTimelines()
})

test('a call whose step fails by its timeout takes its whole subtree with it, and no other', async () => {
  const leaf = await storeWorkflow(lume, () => ({
    nodes: [{ id: 'ask', type: 'core.waitForSignal', config: { name: 'go' } }],
    edges: [],
  }))
  const middle = await storeWorkflow(lume, () => loopOf(leaf, { items: 5, concurrency: 5 }))
  const call = { type: 'core.callWorkflow', config: { workflowId: middle } }
  const id = await start(lume, {
    nodes: [
      { id: 'short', ...call, stepTimeoutMs: 3_000, onError: 'continue' },
      { id: 'long', ...call },
    ],
    edges: [],
  })
  await thereAre(13)
  await thereAre(6, `status = 'CANCELED'`)
  expect(await count(`finished_at IS NULL`)).toBe(7)
  await lume.jobs.cancelJob(id)
  await allHaveEnded()
  await expectWholeTimelines()
})

test('a child of a grandchild is refused while the root alone is canceled', async () => {
  const leaf = await storeWorkflow(lume, () => probes('leaf'))
  const middle = await storeWorkflow(lume, () => ({
    nodes: [
      { id: 'first', type: 'test.probe', config: { name: 'first', holds: true } },
      { id: 'then', type: 'core.callWorkflow', config: { workflowId: leaf } },
    ],
    edges: [{ source: 'first', target: 'then' }],
  }))
  const top = await storeWorkflow(lume, () => ({
    nodes: [{ id: 'call', type: 'core.callWorkflow', config: { workflowId: middle } }],
    edges: [],
  }))
  const id = await startCallOf(lume, top)
  const call = await probe.called('first')
  // A cancel that has reached nothing below the root yet.
  await database.pool.query('UPDATE jobs SET cancel_requested_at = now() WHERE id = $1', [id])
  call.finish()
  await until('the refused call fails its execution', async () => (await count(`status = 'FAILED'`)) >= 1)
  const { rows } = await database.pool.query(`SELECT error->>'code' AS code FROM jobs WHERE depth = 2`)
  expect(rows).toEqual([{ code: 'PARENT_ENDED' }])
  expect(probe.count('leaf')).toBe(0)
})

test('the cancel of a tree of 5,000 executions is five statements', async () => {
  await lume.close()
  const { pool } = database
  const root = await storeJob(pool)
  await pool.query(
    `INSERT INTO jobs (id, owner_id, type, status, wake_at, parent_id, parent_path, depth, root_id)
     SELECT gen_random_uuid(), $2, 'WORKFLOW', 'QUEUED', now(), $1, 'call', 1, $1 FROM generate_series(1, 5000)`,
    [root, OWNER],
  )
  const wakeups = createLocalWakeups()
  const commands = createCommands({
    store: createCommandStore(pool),
    executions: createExecutionStore(pool),
    wakeups,
    cancelTree: createTreeCancel({ store: createTreeCancelStore(pool), wakeups }),
  })
  const statements = countStatements()
  try {
    await commands.send({ id: root, ownerId: OWNER }, 'CANCEL')
    // The root, its descendants in batches, and the proof that none is left.
    expect(statements.take()).toHaveLength(1 + Math.ceil(5_000 / CANCEL_BATCH_JOBS) + 1)
  } finally {
    statements.stop()
  }
  expect(await count('cancel_requested_at IS NULL')).toBe(0)
  expect(await count(`root_id IS NOT NULL AND (wake_at IS NOT NULL OR commands_sent <> 1)`)).toBe(0)
})

test('a cancel looks up the children of each job in the index, also where nearly all jobs have one parent', async () => {
  await lume.close()
  const { pool } = database
  const root = await storeJob(pool)
  const { rows } = await pool.query<{ id: JobId }>(
    `INSERT INTO jobs (id, owner_id, type, status, wake_at, parent_id, parent_path, depth, root_id)
     SELECT gen_random_uuid(), $2, 'WORKFLOW', 'QUEUED', now(), $1, 'call', 1, $1 FROM generate_series(1, 5000) RETURNING id`,
    [root, OWNER],
  )
  await pool.query('ANALYZE jobs')
  const ids = rows.map(({ id }) => id)
  const plans: unknown[] = []
  const explaining = {
    async query(text: string, values: unknown[]) {
      plans.push((await pool.query(`EXPLAIN (FORMAT JSON) ${text}`, values)).rows)
      return { rows: [] }
    },
  }
  const store = createTreeCancelStore(explaining as unknown as typeof pool)
  await store.cancel({ ownerId: OWNER, ids: ids.slice(0, 1), reach: 'below', limit: CANCEL_BATCH_JOBS })
  await store.cancelChildren(ids.slice(0, 200))
  const [below, children] = plans
  const reads = [readsOf(below, 'c'), readsOf(children, 'd')]
  expect(reads.map(({ length }) => length)).toEqual([2, 1])
  expect(reads.flat()).not.toContain('Seq Scan')
})

test('the look for ends that parents do not know reads no other ended jobs, also with old statistics', async () => {
  await lume.close()
  const { pool } = database
  const parent = await storeJob(pool)
  await pool.query(
    `INSERT INTO jobs (id, owner_id, type, status, started_at, parent_id, parent_path, depth, root_id)
     SELECT gen_random_uuid(), $2, 'WORKFLOW', 'WAITING', now(), $1, 'call', 1, $1 FROM generate_series(1, 5000)`,
    [parent, OWNER],
  )
  await pool.query('ANALYZE jobs')
  await pool.query(
    `UPDATE jobs SET status = 'CANCELED', finished_at = now(), is_parent_told = true WHERE parent_id = $1`,
    [parent],
  )
  let plan: unknown
  const explaining = {
    async query(text: string, values: unknown[]) {
      plan = (await pool.query(`EXPLAIN (FORMAT JSON) ${text}`, values)).rows
      return { rows: [] }
    },
  }
  await createCommandStore(explaining as unknown as typeof pool).tellParents(500)
  expect(JSON.stringify(plan)).toContain('"Index Name":"jobs_untold_idx"')
  expect(JSON.stringify(plan)).not.toContain('jobs_finished_idx')
})

/** How a plan reads the tables that have this name in its statement; it numbers names that come more than once. */
function readsOf(plan: unknown, name: string): readonly unknown[] {
  if (typeof plan !== 'object' || plan === null) return []
  const { Alias: alias, 'Node Type': type } = plan as Readonly<Record<string, unknown>>
  const parts = Object.values(plan).flatMap((part) => readsOf(part, name))
  const isNamed = alias === name || (typeof alias === 'string' && alias.startsWith(`${name}_`))
  return isNamed ? [type, ...parts] : parts
}

describe('a child that starts at the very moment of a cancel', () => {
  const rootAndParent = async () => {
    const root = await storeJob(database.pool)
    const above = { id: root, path: 'call', depth: 1, rootId: root }
    const parent = await storeJob(database.pool, { parent: above })
    return { root, child: await newJob(database.pool, { parent: { ...above, id: parent, depth: 2 } }) }
  }
  const waitsForLock = () =>
    until('a statement waits for a lock', async () => {
      const { rows } = await database.pool.query(
        `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      )
      return rows.length > 0
    })
  const cancelOf = (pool: Pick<typeof database.pool, 'query'>, ids: readonly JobId[]) =>
    createTreeCancelStore(pool).cancel({ ownerId: OWNER, ids, reach: 'below', limit: CANCEL_BATCH_JOBS })

  beforeEach(() => lume.close())

  test('is found by the cancel if it was first', async () => {
    const { root, child } = await rootAndParent()
    const client = await database.pool.connect()
    try {
      await client.query('BEGIN')
      await createJobStore(client).insert(child)
      const canceled = cancelOf(database.pool, [root])
      await waitsForLock()
      await client.query('COMMIT')
      expect((await canceled).map(({ id }) => id)).toEqual([child.parent?.id])
      expect((await cancelOf(database.pool, [root])).map(({ id }) => id)).toEqual([child.id])
      expect(await cancelOf(database.pool, [root])).toEqual([])
    } finally {
      client.release()
    }
  })

  test('is refused if the cancel was first', async () => {
    const { root, child } = await rootAndParent()
    const client = await database.pool.connect()
    try {
      await client.query('BEGIN')
      await cancelOf(client, [root])
      const inserted = createJobStore(database.pool).insert(child)
      const refused = expect(inserted).rejects.toThrow(ParentEndedError)
      await waitsForLock()
      await client.query('COMMIT')
      await refused
    } finally {
      client.release()
    }
  })

  test('does not wait for what is written of its parent meanwhile', async () => {
    const { child } = await rootAndParent()
    const client = await database.pool.connect()
    try {
      await client.query('BEGIN')
      await client.query('UPDATE jobs SET progress = 7 WHERE id = $1', [child.parent?.id])
      expect(await createJobStore(database.pool).insert(child)).toEqual({
        kind: 'inserted',
      })
      await client.query('COMMIT')
    } finally {
      client.release()
    }
  })
})

test('a cancel of a tree and the news of a child’s end to its parent never wait for each other in a circle', async () => {
  await fleet.close()
  const commands = createCommandStore(database.pool)
  const trees = createTreeCancelStore(database.pool)
  const parent = await storeJob(database.pool)
  const child = () =>
    storeJob(database.pool, { parent: { id: parent, path: 'call', depth: 1, rootId: parent } })
  const [first, second] = [await child(), await child()]
  const waiting = async () => {
    const { rows } = await database.pool.query(
      `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    )
    return rows.length
  }
  const other = await database.pool.connect()
  await other.query('BEGIN')
  await other.query('SELECT 1 FROM jobs WHERE id = $1 FOR UPDATE', [first])
  // The cancel sees three open jobs, holds the parent and waits for the first child.
  const cancel = trees.cancel({ ownerId: OWNER, ids: [parent], reach: 'trees', limit: 10 })
  await until('the cancel waits', async () => (await waiting()) === 1)
  // Meanwhile the second child ends, and its parent is to hear of it.
  await database.pool.query(
    `UPDATE jobs SET status = 'COMPLETED', started_at = now(), finished_at = now(), wake_at = NULL, holder = NULL, leased_until = NULL,
       progress = 100 WHERE id = $1`,
    [second],
  )
  const news = commands.tellParents(10)
  await until('the news waits', async () => (await waiting()) === 2)
  await other.query('COMMIT')
  other.release()
  expect(new Set((await cancel).map(({ id }) => id))).toEqual(new Set([parent, first]))
  // A parent that is being canceled waits for no child any more.
  expect(await news).toEqual([])
  expect((await commands.after(parent, 0)).commands).toEqual([{ number: 1, kind: 'CANCEL' }])
})

/** What ends canceled descendants, without a worker. */
function openEndings(wakeups = createLocalWakeups(), beforeEnds: () => Promise<void> = async () => {}) {
  const { pool } = database
  const ends = createUnheldEnds(pool)
  const registry = new BlockRegistry()
  for (const block of CORE_BLOCKS) registry.register(block)
  const logger = { error: () => undefined, warn: () => undefined }
  const journal = new Journal({
    store: createJournalStore(pool),
    pages: createLogStore(pool),
    clock: systemClock,
    logger,
  })
  const endCanceled = createEndCanceled({
    store: createTreeCancelStore(pool),
    ends: {
      async write(unheld, now) {
        await beforeEnds()
        return ends.write(unheld, now)
      },
    },
    journal,
    plans: new StoredPlans({ definitions: createDefinitionStore(pool), plans: new PlanCache(registry) }),
    wakeups,
    clock: systemClock,
    random: () => 0,
    logger,
    lease: { workerId: newId<WorkerId>(), leaseMs: 60_000 },
    claims: { open: () => () => true, abandon: () => undefined },
  })
  return { journal, endCanceled }
}

/** Counts the times at which the row of a job that has ended is written once more. */
async function countRewrites(): Promise<() => Promise<number>> {
  await database.pool.query(
    `CREATE TABLE rewrites (id uuid);
     CREATE FUNCTION note_rewrite() RETURNS trigger LANGUAGE plpgsql AS
       'BEGIN INSERT INTO rewrites VALUES (NEW.id); RETURN NULL; END';
     CREATE TRIGGER rewrites AFTER UPDATE ON jobs FOR EACH ROW WHEN (OLD.finished_at IS NOT NULL)
       EXECUTE FUNCTION note_rewrite()`,
  )
  return async () => {
    const { rows } = await database.pool.query('SELECT FROM rewrites')
    await database.pool.query(
      'DROP TRIGGER rewrites ON jobs; DROP FUNCTION note_rewrite; DROP TABLE rewrites',
    )
    return rows.length
  }
}

/** Stores children of a root that have begun and wait, and returns their ids in order. */
async function storeWaiting(root: JobId, number: number): Promise<readonly JobId[]> {
  const { pool } = database
  const claim = await storeClaimedJob(pool, { parent: { id: root, path: 'call', depth: 1, rootId: root } })
  const { journal } = openEndings()
  const at = Date.now()
  await journal.open(claim).append({
    events: [event('JOB_STARTED', at, {}), event('JOB_WAITING', at, { until: null })],
    steps: [waitingStep(at)],
    job: { progress: 5, status: 'WAITING', startedAt: at, park: { wakeAt: null } },
  })
  await pool.query(
    `WITH copy AS (SELECT gen_random_uuid() AS id FROM generate_series(2, $2::int)), job AS (
       INSERT INTO jobs (id, owner_id, type, status, started_at, parent_id, parent_path, depth, root_id, last_seq, entry_no, fence, progress)
       SELECT copy.id, owner_id, type, status, started_at, parent_id, parent_path, depth, root_id, last_seq, entry_no, fence, progress
       FROM copy, jobs WHERE jobs.id = $1
     ), entry AS (
       INSERT INTO job_log (job_id, seq, entry_no, format, at, changes, events, small)
       SELECT copy.id, seq, entry_no, format, at, changes, events, small FROM copy, job_log WHERE job_id = $1
     )
     INSERT INTO executions (id, owner_id, definition_id, mode, metadata)
     SELECT copy.id, e.owner_id, e.definition_id, e.mode, e.metadata FROM copy, executions e WHERE e.id = $1`,
    [claim.jobId, number],
  )
  const { rows } = await pool.query<{ id: JobId }>(
    `SELECT id FROM jobs WHERE parent_id = $1 AND status = 'WAITING' ORDER BY id`,
    [root],
  )
  return rows.map(({ id }) => id)
}

function waitingStep(at: number): StepRecord {
  return {
    path: 'a',
    order: [0],
    nodeId: 'a',
    status: 'WAITING',
    attempt: 1,
    attempts: [],
    handles: [],
    inputFrom: [],
    dueAt: null,
    wait: { kind: 'signal', name: 'go', schema: null, timeoutHandle: null },
    error: null,
    reusedFrom: null,
    callKey: null,
    startedAt: at,
    finishedAt: null,
  }
}

/** What the timeline of a child that waits has once it is canceled. */
const CANCELED_WAITING = [
  'JOB_QUEUED',
  'JOB_STARTED',
  'JOB_WAITING',
  'JOB_CANCELING',
  'STEP_CANCELED',
  'JOB_CANCELED',
]

async function cancelTreeOf(root: JobId): Promise<void> {
  const { pool } = database
  const store = createTreeCancelStore(pool)
  await createTreeCancel({ store, wakeups: createLocalWakeups() })({
    ownerId: OWNER,
    ids: [root],
    reach: 'trees',
  })
}

test('a canceled descendant that a worker claims before its end is written is left to that worker, and one that receives a signal ends', async () => {
  await lume.close()
  const { pool } = database
  const root = await storeJob(pool)
  const [claimed, signaled, other] = await storeWaiting(root, 3)
  if (!claimed || !signaled || !other) throw new Error('three jobs were stored')
  await cancelTreeOf(root)
  let claim: Claim | null = null
  const { journal, endCanceled } = openEndings(createLocalWakeups(), async () => {
    claim ??= await steal(pool, claimed)
    await pool.query('UPDATE jobs SET commands_sent = commands_sent + 1, wake_at = now() WHERE id = $1', [
      signaled,
    ])
  })
  while ((await endCanceled()) > 0);
  for (const id of [signaled, other]) expect(await timelineKinds(pool, id)).toEqual(CANCELED_WAITING)
  expect(await timelineKinds(pool, claimed)).toEqual(CANCELED_WAITING.slice(0, 3))
  // Its holder can still write, and nothing else has written meanwhile.
  await recordEnd(
    journal.open(claim as unknown as Claim),
    { status: 'CANCELED', at: Date.now() },
    { progress: 5 },
  )
  expect(await timelineKinds(pool, claimed)).toEqual([...CANCELED_WAITING.slice(0, 3), 'JOB_CANCELED'])
})

test('two processes that end the same canceled tree, of which one is lost between two batches, write the end of each descendant once', async () => {
  await lume.close()
  const { pool } = database
  const root = await storeJob(pool)
  const ids = await storeWaiting(root, 1_700)
  await cancelTreeOf(root)
  let calls = 0
  const lost = openEndings(createLocalWakeups(), async () => {
    if (++calls > 1) throw new Error('the process is lost')
  })
  const alive = openEndings()
  await Promise.all([lost.endCanceled().catch(() => 0), alive.endCanceled()])
  while ((await alive.endCanceled()) + (await alive.endCanceled()) > 0);
  expect(await count(`status = 'CANCELED' AND fence = 1`)).toBe(ids.length)
  const { rows } = await pool.query(
    `SELECT count(*)::int AS jobs FROM (
       SELECT job_id FROM job_log WHERE job_id = ANY($1) GROUP BY job_id HAVING count(*) = 2 AND max(entry_no) = 2
     ) AS whole`,
    [ids],
  )
  expect(rows).toEqual([{ jobs: ids.length }])
  expect(await timelineKinds(pool, ids[0] ?? '')).toEqual(CANCELED_WAITING)
})

test('without statistics, ends of canceled descendants and the cancel of their children look up each job by its key', async () => {
  await lume.close()
  const { pool } = database
  const root = await storeJob(pool)
  const ids = await storeWaiting(root, 3_000)
  await cancelTreeOf(root)
  const plans: string[] = []
  const explaining = {
    async query(text: string, values: unknown[]) {
      const { rows } = await pool.query<Record<string, unknown>>(`EXPLAIN (FORMAT JSON) ${text}`, values)
      plans.push(JSON.stringify(rows[0]?.['QUERY PLAN']))
      return { rows: [] }
    },
  } as unknown as typeof pool
  const at = Date.now()
  await createTreeCancelStore(explaining).cancelChildren(ids.slice(0, 500))
  const ends = (await createTreeCancelStore(pool).unheld(500, 0)).map(
    ({ id, ownerId, fence, lastSeq, entryNo, progress }) => {
      const read = { jobId: id, ownerId, fence, lastSeq, entryNo, commandsSeen: 1 }
      return { read, entry: endEntry({ status: 'CANCELED' as const, at }, { progress, steps: [] }) }
    },
  )
  await createUnheldEnds(explaining).write(ends, at)
  expect(ends).toHaveLength(500)
  expect(plans).toHaveLength(2)
  for (const plan of plans)
    expect(plan).not.toMatch(/jobs_open_idx|"Node Type":"Seq Scan"[^}]*"Relation Name":"jobs"/)
})

test('the end of a canceled tree writes the row of each descendant once, whether it waited or a worker held it', async () => {
  await lume.close()
  const { pool } = database
  const root = await storeJob(pool)
  const child = () => storeClaimedJob(pool, { parent: { id: root, path: 'call', depth: 1, rootId: root } })
  const held = await Promise.all(Array.from({ length: 20 }, child))
  await storeWaiting(root, 1_000)
  const wakeups = createLocalWakeups()
  await createTreeCancel({ store: createTreeCancelStore(pool), wakeups })({
    ownerId: OWNER,
    ids: [root],
    reach: 'trees',
  })
  const { journal, endCanceled } = openEndings(wakeups)
  const commands = createCommandStore(pool)
  const statements = countStatements()
  const rewrites = await countRewrites()
  statements.take()
  try {
    await Promise.all(
      held.map((claim) =>
        recordEnd(
          journal.open(claim),
          { status: 'CANCELED', at: Date.now() },
          { progress: 0, events: [], steps: [] },
        ),
      ),
    )
    while ((await endCanceled()) > 0);
    const sent = statements.take()
    // Two for the 1,000 jobs and up to six for each 500, the looks that find none left, and those of the holders.
    expect(sent.length).toBeLessThanOrEqual(2 + 2 * 6 + 8)
    expect(sent.filter((text) => text.includes('SET holder'))).toEqual([])
    expect(await commands.tellParents(1_000)).toEqual([])
  } finally {
    statements.stop()
    expect(await rewrites()).toBe(0)
  }
  expect(await count(`root_id IS NOT NULL AND status = 'CANCELED' AND is_parent_told`)).toBe(1_020)
})

test('a parent that is not being canceled receives the news of a child that ends canceled, completed or failed', async () => {
  await lume.close()
  const { pool } = database
  const parent = await storeJob(pool)
  const children = await Promise.all(
    [1, 2, 3].map(() =>
      storeClaimedJob(pool, { parent: { id: parent, path: 'call', depth: 1, rootId: parent } }),
    ),
  )
  const { journal } = openEndings()
  const at = Date.now()
  const error = { code: 'X', message: 'gone' }
  const ends = [
    { status: 'CANCELED', at },
    { status: 'COMPLETED', at, output: '1' },
    { status: 'FAILED', at, error },
  ] as const
  await Promise.all(
    children.map((claim, n) =>
      recordEnd(journal.open(claim), ends[n] ?? ends[0], { progress: 0, events: [], steps: [] }),
    ),
  )
  const commands = createCommandStore(pool)
  // The process may end here: the ends are on record, and any worker passes the news on.
  expect(await count('finished_at IS NOT NULL AND NOT is_parent_told')).toBe(3)
  expect(await commands.tellParents(10)).toEqual([parent])
  expect((await commands.after(parent, 0)).commands.map(({ kind }) => kind)).toEqual(
    Array(3).fill('CHILD_ENDED'),
  )
  expect(await commands.tellParents(10)).toEqual([])
})

test('descendants that have not begun end in two statements per 1,000, with the ends that the journal would write', async () => {
  await lume.close()
  const { pool } = database
  const root = await storeJob(pool)
  const above = { id: root, path: 'call', depth: 1, rootId: root }
  const child = await storeJob(pool, { parent: above })
  await pool.query(
    `WITH copy AS (
       INSERT INTO jobs (id, owner_id, type, status, wake_at, parent_id, parent_path, depth, root_id, last_seq, entry_no)
       SELECT gen_random_uuid(), owner_id, type, status, wake_at, parent_id, parent_path, depth, root_id, last_seq, entry_no
       FROM jobs, generate_series(1, 2999) WHERE id = $1 RETURNING id, owner_id
     )
     INSERT INTO executions (id, owner_id, definition_id, mode, metadata)
     SELECT copy.id, e.owner_id, e.definition_id, e.mode, e.metadata FROM copy, executions e WHERE e.id = $1`,
    [child],
  )
  const wakeups = createLocalWakeups()
  const store = createTreeCancelStore(pool)
  await createTreeCancel({ store, wakeups })({ ownerId: OWNER, ids: [root], reach: 'trees' })
  const news: string[] = []
  wakeups.onAnyNews((id) => void news.push(id))
  const { endCanceled } = openEndings(wakeups)
  const statements = countStatements()
  try {
    while ((await endCanceled()) > 0);
    // Two for each 1,000 jobs, one that reads the definition, and the looks that find none left.
    expect(statements.take().length).toBeLessThanOrEqual(2 * 3 + 3)
  } finally {
    statements.stop()
  }
  expect(await count(`root_id IS NOT NULL AND status = 'CANCELED' AND last_seq = 2 AND fence = 1`)).toBe(
    3_000,
  )
  expect(new Set(news).size).toBe(3_000)
  expect(await timelineKinds(pool, child)).toEqual(['JOB_QUEUED', 'JOB_CANCELED'])
  // Their parent is being canceled: no statement has to pass it the news of their ends.
  expect(await count('root_id IS NOT NULL AND NOT is_parent_told')).toBe(0)
  const { steps } = await recordOf(pool, child)
  expect(steps).toMatchObject([{ path: 'a', status: 'CANCELED', finishedAt: expect.any(Number) }])
})
