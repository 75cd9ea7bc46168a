import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { pino } from 'pino'
import { CORE_BLOCKS } from '../../src/blocks/core/core-blocks.ts'
import { createExecutionStore } from '../../src/db/executions/execution-store.ts'
import { createTreeCancelStore } from '../../src/db/executions/tree-cancel-store.ts'
import { createCommandStore } from '../../src/db/jobs/command-store.ts'
import { createJobStore, ParentEndedError } from '../../src/db/jobs/job-store.ts'
import type { ParentOfJob } from '../../src/db/jobs/new-job.ts'
import { createJournalStore } from '../../src/db/journal/journal-store.ts'
import { Journal, type ClaimedJournal } from '../../src/db/journal/journal.ts'
import { createUnheldEnds } from '../../src/db/journal/unheld-ends.ts'
import { createLogStore } from '../../src/db/log/log-store.ts'
import { createDefinitionStore } from '../../src/db/stores/definition-store.ts'
import { createLocalWakeups, type Wakeups } from '../../src/db/wakeups.ts'
import { BlockRegistry } from '../../src/engine/block/registry.ts'
import { event } from '../../src/engine/record/event.ts'
import { recordEnd } from '../../src/engine/run/run-end.ts'
import { PlanCache } from '../../src/engine/validate/plan-cache.ts'
import { createCommands } from '../../src/jobs/commands.ts'
import { createEndCanceled } from '../../src/jobs/worker/end-canceled.ts'
import { StoredPlans } from '../../src/jobs/worker/stored-plans.ts'
import { createTreeCancel, type TreeCancel } from '../../src/jobs/worker/tree-cancel.ts'
import { newId, type JobId, type WorkerId } from '../../src/lib/ids.ts'
import { systemClock } from '../../src/lib/time/clock.ts'
import { createTestDatabase, openPool, type TestDatabase } from '../support/database.ts'
import { fc } from '../support/fast-check.ts'
import { newJob, OWNER, storeClaimedJob, storeJob, timelineKinds } from '../support/jobs.ts'

const MAX_DEPTH = 10

let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase()
})

afterAll(() => database.drop())

const STATES = ['QUEUED', 'WAITING', 'PAUSED', 'HELD'] as const

/** A job below an earlier one, or the root. */
const node = fc.record({ below: fc.nat(), state: fc.constantFrom(...STATES) })
const tree = fc.record({
  nodes: fc.array(node, { minLength: 1, maxLength: 30 }),
  /** The root's own state. */
  state: fc.constantFrom(...STATES),
  /** Children that start at the time of the cancel, below any job. */
  births: fc.array(fc.nat(), { maxLength: 12 }),
  /** The job that is canceled: the root or any other. */
  target: fc.oneof(fc.constant(0), fc.nat()),
  /** Events that the holders write before the cancel is sent. */
  before: fc.nat(4),
})
type Tree = typeof tree extends fc.Arbitrary<infer T> ? T : never

test('a cancel of any part of any tree ends exactly that part, gapless, whatever is written and started meanwhile', async () => {
  await fc.assert(
    fc.asyncProperty(tree, async (shape) => {
      await database.pool.query('TRUNCATE jobs CASCADE')
      const world = openWorld()
      try {
        await playOut(shape, world)
      } finally {
        await world.close()
      }
      expect(world.faults).toEqual([])
    }),
    { numRuns: 60 },
  )
}, 120_000)

async function playOut({ nodes, state, births, target, before }: Tree, world: World): Promise<void> {
  const { pool } = database
  const jobs: Member[] = [await storeMember(world, state, null)]
  const rootId = memberAt(jobs, 0).id
  for (const { below, state: own } of nodes) {
    const parent = memberAt(jobs, below)
    if (parent.depth < MAX_DEPTH) jobs.push(await storeMember(world, own, childOf(parent, rootId)))
  }
  const holders = jobs.flatMap(({ id, journal }) => (journal ? [hold(world, id, journal)] : []))
  await Promise.all(holders.map(({ writes }) => writes(before)))
  const canceled = memberAt(jobs, target)
  const started = births.map((below) => {
    const parent = memberAt(jobs, below)
    return parent.depth < MAX_DEPTH ? giveBirth(world, childOf(parent, rootId)) : Promise.resolve()
  })
  await Promise.all([
    world.commands.send({ id: canceled.id, ownerId: OWNER }, 'CANCEL'),
    ...started,
    ...holders.map(({ end }) => end()),
  ])
  while ((await world.endCanceled()) > 0);

  const { rows } = await pool.query<{ id: JobId; isInside: boolean; status: string; parent: JobId | null }>(
    `WITH RECURSIVE part AS (
       SELECT id FROM jobs WHERE id = $1 UNION ALL SELECT j.id FROM part JOIN jobs j ON j.parent_id = part.id
     )
     SELECT j.id, j.status, part.id IS NOT NULL AS "isInside" FROM jobs j LEFT JOIN part USING (id)`,
    [canceled.id],
  )
  // Its holder may have written its end before it read the cancel. Whether the cancel came before that end, and reached its
  // descendants, or after it, and changed nothing, depends on which of both was committed first.
  const isTooLate = rows.some(({ id, status }) => id === canceled.id && status === 'COMPLETED')
  for (const { id, status, ...row } of rows) {
    const isInside = row.isInside && !isTooLate
    // The canceled job itself is no descendant: a worker obeys it, unless a holder did.
    const isTop = id === canceled.id && canceled.journal === null && canceled.id === rootId
    const isMember = jobs.some((job) => job.id === id)
    const wasHeld = jobs.find((job) => job.id === id)?.journal != null
    // A holder may have written its end before the cancel was committed.
    if (isInside && !isTop) expect(wasHeld && status === 'COMPLETED' ? 'CANCELED' : status).toBe('CANCELED')
    else if (!row.isInside && isMember && !wasHeld) expect(status).not.toBe('CANCELED')
    // P4: throws where a number is missing.
    await timelineKinds(pool, id)
  }
  const unheard = await pool.query('SELECT id FROM jobs WHERE finished_at IS NULL AND holder IS NOT NULL')
  expect(unheard.rows).toEqual([])
}

interface Member {
  readonly id: JobId
  readonly depth: number
  /** Null where no worker holds it. */
  readonly journal: ClaimedJournal | null
}

function memberAt(jobs: readonly Member[], index: number): Member {
  const member = jobs[index % jobs.length]
  if (!member) throw new Error('a tree has a root')
  return member
}

function childOf({ id, depth }: Member, rootId: JobId): ParentOfJob {
  return { id, path: 'call', depth: depth + 1, rootId }
}

async function storeMember(
  world: World,
  state: (typeof STATES)[number],
  parent: ParentOfJob | null,
): Promise<Member> {
  const { pool } = database
  const depth = parent?.depth ?? 0
  if (state === 'HELD') {
    const claim = await storeClaimedJob(pool, { parent })
    return { id: claim.jobId, depth, journal: world.journal().open(claim) }
  }
  const id = await storeJob(pool, { parent })
  if (state !== 'QUEUED') {
    await pool.query('UPDATE jobs SET status = $2, started_at = now(), wake_at = NULL WHERE id = $1', [
      id,
      state,
    ])
  }
  return { id, depth, journal: null }
}

/** A run: it writes events until it is canceled, and then, or when it is to end, its end. */
function hold({ wakeups, cancelTree }: World, id: JobId, journal: ClaimedJournal) {
  const write = () =>
    journal.append({
      events: [event('JOB_PROGRESS', Date.now(), { message: null })],
      job: { progress: 5, status: 'RUNNING' },
    })
  let isCanceled = false
  wakeups.onCanceled((ids) => {
    isCanceled ||= ids.includes(id)
  })
  wakeups.onCommand((commanded) => {
    isCanceled ||= commanded === id
  })
  return {
    async writes(count: number) {
      for (let n = 0; n < count; n++) await write()
    },
    async end() {
      for (let n = 0; n < 20 && !isCanceled; n++) await write()
      const { rows } = await database.pool.query<{ isAsked: boolean }>(
        'SELECT cancel_requested_at IS NOT NULL AS "isAsked" FROM jobs WHERE id = $1',
        [id],
      )
      const isAsked = isCanceled || rows[0]?.isAsked === true
      if (isAsked) await cancelTree({ ownerId: OWNER, ids: [id], reach: 'below' })
      const at = Date.now()
      const end = isAsked
        ? ({ status: 'CANCELED', at } as const)
        : ({ status: 'COMPLETED', at, output: 'null' } as const)
      await recordEnd(journal, end, { progress: 5 })
    },
  }
}

/** A child starts below a job, or is refused. */
async function giveBirth({ jobs }: World, parent: ParentOfJob): Promise<void> {
  const job = await newJob(database.pool, { parent })
  await jobs.insert(job).catch((fault: unknown) => {
    if (!(fault instanceof ParentEndedError)) throw fault
  })
}

type World = ReturnType<typeof openWorld>

/** Two processes, each with its own connections. */
function openWorld() {
  const faults: string[] = []
  const logger = pino({ level: 'warn' }, { write: (line) => void faults.push(line) })
  const clock = systemClock
  const pools = [openPool(database.url), openPool(database.url)] as const
  const journals = pools.map((pool) => {
    return new Journal({ store: createJournalStore(pool), pages: createLogStore(pool), clock, logger })
  })
  const [pool] = pools
  const wakeups: Wakeups = createLocalWakeups()
  const store = createTreeCancelStore(pool)
  const cancelTree: TreeCancel = createTreeCancel({ store, wakeups })
  const registry = new BlockRegistry()
  for (const block of CORE_BLOCKS) registry.register(block)
  const endCanceled = createEndCanceled({
    store,
    ends: createUnheldEnds(pool),
    journal: journals[1] as Journal,
    plans: new StoredPlans({ definitions: createDefinitionStore(pool), plans: new PlanCache(registry) }),
    wakeups,
    clock,
    random: () => 0,
    logger,
    lease: { workerId: newId<WorkerId>(), leaseMs: 60_000 },
    claims: { open: () => () => true, abandon: () => undefined },
  })
  const executions = createExecutionStore(pool)
  let opened = 0
  return {
    faults,
    wakeups,
    cancelTree,
    endCanceled,
    jobs: createJobStore(pools[1]),
    commands: createCommands({ store: createCommandStore(pool), executions, wakeups, cancelTree }),
    journal: () => journals[opened++ % journals.length] as Journal,
    async close() {
      for (const journal of journals) await journal.idle()
      for (const one of pools) await one.end()
    },
  }
}
