import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { pino } from 'pino'
import type { Lume } from '../../src/app.ts'
import { createCommandStore } from '../../src/db/jobs/command-store.ts'
import { createDefinitionStore } from '../../src/db/stores/definition-store.ts'
import { createExecutionStore } from '../../src/db/executions/execution-store.ts'
import { createJobStore, type JobStore } from '../../src/db/jobs/job-store.ts'
import {
  createScheduleStore,
  type ScheduleFields,
  type ScheduleStore,
  type ScheduleTarget,
} from '../../src/db/stores/schedule-store.ts'
import { createVersionStore } from '../../src/db/stores/version-store.ts'
import { createLocalWakeups } from '../../src/db/wakeups.ts'
import { CORE_BLOCKS } from '../../src/blocks/core/core-blocks.ts'
import { PlanCache } from '../../src/engine/validate/plan-cache.ts'
import { BlockRegistry } from '../../src/engine/block/registry.ts'
import { createCommands } from '../../src/jobs/commands.ts'
import { Scheduler } from '../../src/jobs/schedules/scheduler.ts'
import { createSchedules } from '../../src/jobs/schedules/schedule-service.ts'
import { createTreeCancel } from '../../src/jobs/worker/tree-cancel.ts'
import { createTreeCancelStore } from '../../src/db/executions/tree-cancel-store.ts'
import { createStartExecution } from '../../src/jobs/start/start-execution.ts'
import { StoredLoads } from '../../src/jobs/start/stored-loads.ts'
import type { ScheduleId, WorkflowId } from '../../src/lib/ids.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { SIMPLE } from '../support/definitions.ts'
import { createFleet, type Fleet } from '../support/fleet.ts'
import { EXPONENTIAL_SCHEMA } from '../support/hostile-schemas.ts'
import { OWNER } from '../support/jobs.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { until } from '../support/until.ts'
import { UNBOUNDED } from '../support/quotas.ts'

const REGISTRY = new BlockRegistry()
for (const block of CORE_BLOCKS) REGISTRY.register(block)
const PLANS = new PlanCache(REGISTRY)
const LOADS = new StoredLoads(32 * 1024 * 1024)

const NOON = Date.parse('2027-01-01T12:00:00Z')
const HOUR = 3_600_000
const MINUTE = 60_000

let database: TestDatabase
let fleet: Fleet
/** Runs no jobs: what a scheduler starts stays QUEUED until the test says otherwise. */
let lume: Lume
beforeAll(async () => {
  database = await createTestDatabase()
  fleet = createFleet(database)
  lume = await fleet.open({ role: 'api' })
})
afterAll(async () => {
  await fleet.close()
  await database.drop()
})
afterEach(async () => {
  await database.pool.query('UPDATE schedules SET next_at = NULL, deleted_at = now()')
})

interface Process {
  readonly scheduler: Scheduler
  readonly clock: ManualClock
  readonly faults: readonly string[]
}

/** A scheduler as another process has one: its own stores, its own clock, and no motor. */
function openProcess(
  options: {
    readonly now?: number
    readonly schedules?: (store: ScheduleStore) => ScheduleStore
    readonly jobs?: (store: JobStore) => JobStore
    readonly quotas?: typeof UNBOUNDED
  } = {},
): Process {
  const { pool } = database
  const clock = new ManualClock(options.now ?? NOON)
  const faults: string[] = []
  const logger = pino({ level: 'error' }, { write: (line) => void faults.push(line) })
  const wakeups = createLocalWakeups()
  const start = createStartExecution({
    jobs: (options.jobs ?? ((same) => same))(createJobStore(pool)),
    definitions: createDefinitionStore(pool),
    plans: PLANS,
    reader: () => async (document) => PLANS.read(document),
    wakeups,
    clock,
    quotas: options.quotas ?? UNBOUNDED,
    processor: null,
  })
  const scheduler = new Scheduler({
    schedules: (options.schedules ?? ((same) => same))(createScheduleStore(pool)),
    versions: createVersionStore(pool),
    loads: LOADS,
    commands: createCommands({
      store: createCommandStore(pool),
      executions: createExecutionStore(pool),
      wakeups,
      cancelTree: createTreeCancel({ store: createTreeCancelStore(pool), wakeups }),
    }),
    start,
    clock,
    logger,
  })
  return { scheduler, clock, faults }
}

/** The user changes a schedule right after a process has claimed it. */
function changedMeanwhile({ id }: ScheduleTarget, change: string) {
  return (store: ScheduleStore): ScheduleStore => ({
    ...store,
    async claimDue(...args) {
      const claimed = await store.claimDue(...args)
      await database.pool.query(
        `UPDATE schedules SET ${change}, next_at = NULL, revision = revision + 1 WHERE id = $1`,
        [id],
      )
      return claimed
    },
  })
}

async function makeWorkflow(definition: unknown = SIMPLE): Promise<WorkflowId> {
  const result = await lume.services.drafts.create(OWNER, { definition })
  if (result.kind !== 'saved') throw new Error(result.kind)
  return result.id
}

/** An hourly schedule whose next occurrence is the given instant. */
async function makeSchedule(
  change: Partial<ScheduleFields> & { readonly nextAt?: number; readonly workflowId?: WorkflowId } = {},
): Promise<ScheduleTarget & { readonly workflowId: WorkflowId }> {
  const { nextAt = NOON, workflowId = await makeWorkflow(), ...fields } = change
  const service = createSchedules({
    schedules: createScheduleStore(database.pool),
    versions: createVersionStore(database.pool),
    loads: LOADS,
    reader: () => async (document) => PLANS.read(document),
    clock: new ManualClock(nextAt - 1),
    quotas: UNBOUNDED,
  })
  const { at, cron, ...rest } = { cron: '0 * * * *', at: null, ...fields }
  const when = cron === null ? { at: at ?? nextAt } : { cron }
  const saved = await service.create({ ownerId: OWNER, workflowId }, { ...rest, ...when })
  if (saved.kind !== 'saved') throw new Error(JSON.stringify(saved))
  return { ownerId: OWNER, id: saved.id, workflowId }
}

interface Row {
  readonly at: string
  readonly outcome: string
  readonly reason: string | null
}

/** What became of occurrences, oldest first: `12:00 STARTED`. */
async function outcomes({ id }: { readonly id: ScheduleId }): Promise<readonly string[]> {
  const { rows } = await database.pool.query<Row>(
    `SELECT to_char(at, 'HH24:MI') AS at, outcome, reason FROM schedule_occurrences
     WHERE schedule_id = $1 ORDER BY schedule_occurrences.at`,
    [id],
  )
  return rows.map(({ at, outcome, reason }) => [at, outcome, reason].filter(Boolean).join(' '))
}

/** The runs that a schedule started, by their occurrence. */
async function runsOf({ id }: { readonly id: ScheduleId }) {
  const { rows } = await database.pool.query<{ id: string; at: string; isCanceling: boolean }>(
    `SELECT e.id, to_char(e.scheduled_for, 'HH24:MI') AS at, j.cancel_requested_at IS NOT NULL AS "isCanceling"
     FROM executions e JOIN jobs j ON j.id = e.id WHERE e.schedule_id = $1 ORDER BY e.scheduled_for`,
    [id],
  )
  return rows
}

async function nextAt({ id }: { readonly id: ScheduleId }): Promise<Date | null> {
  const { rows } = await database.pool.query<{ next_at: Date | null }>(
    'SELECT next_at FROM schedules WHERE id = $1',
    [id],
  )
  return rows[0]?.next_at ?? null
}

async function errorOf({ id }: { readonly id: ScheduleId }) {
  const { rows } = await database.pool.query<{ error: { code: string; message: string } | null }>(
    'SELECT error FROM schedules WHERE id = $1',
    [id],
  )
  return rows[0]?.error ?? null
}

/** Every run of the schedule has ended. */
async function endRuns({ id }: { readonly id: ScheduleId }): Promise<void> {
  await database.pool.query(
    `UPDATE jobs SET status = 'COMPLETED', progress = 100, wake_at = NULL, finished_at = now()
     FROM executions e WHERE e.id = jobs.id AND e.schedule_id = $1 AND finished_at IS NULL`,
    [id],
  )
}

/** The process that claimed them is dead, and its time is up. */
async function expireClaims(): Promise<void> {
  await database.pool.query(`UPDATE schedules SET claimed_until = now() - interval '1 s'`)
}

describe('a schedule’s occurrence starts at most once (P6):', () => {
  test('two processes that see it due at the same time start it once', async () => {
    const schedules = await Promise.all([makeSchedule(), makeSchedule(), makeSchedule()])
    const processes = [openProcess(), openProcess(), openProcess()]
    await Promise.all(processes.map(({ scheduler }) => scheduler.tick()))
    for (const schedule of schedules) {
      expect(await outcomes(schedule)).toEqual(['12:00 STARTED'])
      expect(await runsOf(schedule)).toHaveLength(1)
      expect(await nextAt(schedule)).toEqual(new Date(NOON + HOUR))
    }
    expect(processes.flatMap(({ faults }) => faults)).toEqual([])
  })

  test('also when both have claimed the schedule, because one stalled beyond its claim', async () => {
    const schedule = await makeSchedule({ overlap: 'ALLOW' })
    const gate = deferred()
    const reached = deferred()
    const slow = openProcess({
      jobs: (store) => ({
        ...store,
        async insert(...args) {
          reached.resolve()
          await gate.promise
          return store.insert(...args)
        },
      }),
    })
    const stalled = slow.scheduler.tick()
    await reached.promise
    await expireClaims()
    const quick = openProcess()
    expect(await quick.scheduler.tick()).toBe(1)
    gate.resolve()
    await stalled
    expect(await runsOf(schedule)).toHaveLength(1)
    expect(await outcomes(schedule)).toEqual(['12:00 STARTED'])
    expect([...slow.faults, ...quick.faults]).toEqual([])
  })

  test('a process that dies between its start and the move to the next one neither loses nor doubles it', async () => {
    const schedule = await makeSchedule({ overlap: 'ALLOW' })
    const dying = openProcess({
      schedules: (store) => ({ ...store, settle: () => Promise.reject(new Error('killed')) }),
    })
    await dying.scheduler.tick()
    expect(await runsOf(schedule)).toHaveLength(1)
    expect(await nextAt(schedule)).toEqual(new Date(NOON))
    const next = openProcess({ now: NOON + 1_000 })
    expect(await next.scheduler.tick()).toBe(0)
    await expireClaims()
    expect(await next.scheduler.tick()).toBe(1)
    expect(await runsOf(schedule)).toHaveLength(1)
    expect(await outcomes(schedule)).toEqual(['12:00 STARTED'])
    expect(await nextAt(schedule)).toEqual(new Date(NOON + HOUR))
  })

  test('a process that dies between its claim and the start leaves it to the next one', async () => {
    const schedule = await makeSchedule()
    const dying = openProcess({
      jobs: (store) => ({ ...store, insert: () => Promise.reject(new Error('killed')) }),
    })
    await dying.scheduler.tick()
    expect(dying.faults).toHaveLength(1)
    expect(await outcomes(schedule)).toEqual([])
    await expireClaims()
    await openProcess().scheduler.tick()
    expect(await outcomes(schedule)).toEqual(['12:00 STARTED'])
    expect(await runsOf(schedule)).toHaveLength(1)
  })

  test('a start that the database refuses leaves no record of the occurrence', async () => {
    const schedule = await makeSchedule()
    const broken = openProcess({
      jobs: (store) => ({
        ...store,
        insert: (job) => store.insert({ ...job, mode: 'nonsense' as never }),
      }),
    })
    await broken.scheduler.tick()
    expect(broken.faults).toHaveLength(1)
    expect(await outcomes(schedule)).toEqual([])
    expect(await runsOf(schedule)).toEqual([])
  })

  test('a user’s idempotency key that looks like an occurrence stands in nobody’s way', async () => {
    const schedule = await makeSchedule()
    const key = `occurrence ${schedule.id} ${NOON}`
    const own = await lume.services.start({
      ownerId: OWNER,
      type: 'WORKFLOW',
      definition: SIMPLE,
      workflowId: null,
      input: null,
      mode: 'production',
      idempotencyKey: key,
      intent: 'queue',
    })
    expect(own).toMatchObject({ kind: 'started', deduplicated: false })
    await openProcess().scheduler.tick()
    expect(await outcomes(schedule)).toEqual(['12:00 STARTED'])
  })

  test('one that comes due while the user pauses or deletes the schedule does not start', async () => {
    for (const change of [`is_paused = true`, `deleted_at = now()`]) {
      const schedule = await makeSchedule()
      const process = openProcess({ schedules: changedMeanwhile(schedule, change) })
      expect(await process.scheduler.tick()).toBe(1)
      expect(await outcomes(schedule)).toEqual([])
      expect(await runsOf(schedule)).toEqual([])
      expect(await nextAt(schedule)).toBeNull()
    }
  })
})

test('due schedules are claimed by owners in turn, however many one owner has and however long they are due', async () => {
  const first = await makeSchedule()
  const copy = `INSERT INTO schedules (id, owner_id, workflow_id, name, cron, input, variables, next_at)
    SELECT gen_random_uuid(), $2, workflow_id, name, cron, input, variables, next_at - interval '1 min' * $3
    FROM schedules, generate_series(1, $4::int) WHERE id = $1`
  await database.pool.query(copy, [first.id, OWNER, 5, 100])
  await database.pool.query(copy, [first.id, 'another', 0, 2])
  const claimed = await createScheduleStore(database.pool).claimDue(NOON, 20)
  expect(claimed).toHaveLength(20)
  expect(claimed.filter(({ ownerId }) => ownerId === 'another')).toHaveLength(2)
})

test('of due schedules with large inputs one is loaded at a time, and those of other owners do not wait for them', async () => {
  const workflowId = await makeWorkflow()
  const large: ScheduleTarget[] = []
  for (let i = 0; i < 5; i++) large.push(await makeSchedule({ workflowId, input: 'x'.repeat(1_000_000) }))
  let loads = 0
  let giveBack = () => {}
  const isHeld = new Promise<void>((resolve) => (giveBack = resolve))
  const process = openProcess({
    schedules: (store) => ({
      ...store,
      async values(target) {
        loads++
        await isHeld
        return store.values(target)
      },
    }),
  })
  expect(await process.scheduler.tick()).toBe(5)
  await until('the first is being loaded', () => loads > 0)
  // The owner's further schedules stay due here, and another owner's are claimed.
  const [own, other] = [await makeSchedule({ workflowId }), await makeSchedule({ workflowId })]
  await database.pool.query('UPDATE schedules SET owner_id = $2 WHERE id = $1', [other.id, 'another'])
  expect(await process.scheduler.tick()).toBe(1)
  expect(await outcomes(own)).toEqual([])
  expect(await nextAt(other)).toEqual(new Date(NOON + HOUR))
  expect(loads).toBe(1)

  giveBack()
  await until('all have started', async () => {
    const started = await Promise.all(large.map(outcomes))
    return started.every(([outcome]) => outcome === '12:00 STARTED')
  })
  await process.scheduler.stop()
  expect(loads).toBe(5)
  expect(process.faults).toEqual([])
})

describe('after a downtime', () => {
  test.each([
    ['NONE', ['09:00 SKIPPED MISSED', '10:00 SKIPPED MISSED', '11:00 SKIPPED MISSED']],
    ['LAST', ['09:00 SKIPPED MISSED', '10:00 SKIPPED MISSED', '11:00 STARTED']],
    ['ALL', ['09:00 SKIPPED MISSED', '10:00 STARTED', '11:00 STARTED']],
  ] as const)('catch-up %s does what it says, once', async (catchUp, expected) => {
    const schedule = await makeSchedule({
      nextAt: NOON - 3 * HOUR,
      catchUp,
      catchUpLimit: 2,
      overlap: 'ALLOW',
    })
    const process = openProcess({ now: NOON - 5 * MINUTE })
    await process.scheduler.tick()
    expect(await outcomes(schedule)).toEqual(expected)
    expect(await nextAt(schedule)).toEqual(new Date(NOON))
    expect(await process.scheduler.tick()).toBe(0)
  })

  test('of a year, a schedule of every second is caught up within bounds', async () => {
    const schedule = await makeSchedule({
      cron: '* * * * * *',
      catchUp: 'ALL',
      catchUpLimit: 5,
      overlap: 'SKIP',
    })
    const process = openProcess({ now: NOON + 365 * 24 * HOUR })
    await process.scheduler.tick()
    expect((await outcomes(schedule)).length).toBeLessThanOrEqual(200)
    expect(await runsOf(schedule)).toHaveLength(1)
  })

  test('one that occurs once starts late, and is over', async () => {
    const schedule = await makeSchedule({ cron: null, nextAt: NOON - HOUR })
    await openProcess().scheduler.tick()
    expect(await outcomes(schedule)).toEqual(['11:00 STARTED'])
    expect(await nextAt(schedule)).toBeNull()
  })
})

describe('an occurrence that comes due while an earlier one still runs', () => {
  test('is left out by SKIP, and says why', async () => {
    const schedule = await makeSchedule({ overlap: 'SKIP' })
    await openProcess().scheduler.tick()
    await openProcess({ now: NOON + HOUR }).scheduler.tick()
    expect(await outcomes(schedule)).toEqual(['12:00 STARTED', '13:00 SKIPPED OVERLAP'])
    await endRuns(schedule)
    await openProcess({ now: NOON + 2 * HOUR }).scheduler.tick()
    expect(await outcomes(schedule)).toEqual(['12:00 STARTED', '13:00 SKIPPED OVERLAP', '14:00 STARTED'])
  })

  test('starts all the same by ALLOW', async () => {
    const schedule = await makeSchedule({ overlap: 'ALLOW' })
    await openProcess().scheduler.tick()
    await openProcess({ now: NOON + HOUR }).scheduler.tick()
    expect(await outcomes(schedule)).toEqual(['12:00 STARTED', '13:00 STARTED'])
  })

  test('waits for its turn by QUEUE, one at most, and starts when the one before it has ended', async () => {
    const schedule = await makeSchedule({ overlap: 'QUEUE' })
    await openProcess().scheduler.tick()
    await openProcess({ now: NOON + HOUR }).scheduler.tick()
    const later = openProcess({ now: NOON + 2 * HOUR })
    await later.scheduler.tick()
    expect(await outcomes(schedule)).toEqual(['12:00 STARTED', '13:00 QUEUED', '14:00 SKIPPED OVERLAP'])
    expect(await later.scheduler.tick()).toBe(0)
    await endRuns(schedule)
    await Promise.all([later.scheduler.tick(), openProcess({ now: NOON + 2 * HOUR }).scheduler.tick()])
    expect(await outcomes(schedule)).toEqual(['12:00 STARTED', '13:00 STARTED', '14:00 SKIPPED OVERLAP'])
    expect((await runsOf(schedule)).map(({ at }) => at)).toEqual(['12:00', '13:00'])
    expect(await nextAt(schedule)).toEqual(new Date(NOON + 3 * HOUR))
  })

  test('starts by CANCEL_PREVIOUS, and what runs is canceled, also by the next process if the first one dies', async () => {
    const schedule = await makeSchedule({ overlap: 'CANCEL_PREVIOUS' })
    await openProcess().scheduler.tick()
    const dying = openProcess({
      now: NOON + HOUR,
      schedules: (store) => ({ ...store, openRunsBefore: () => Promise.reject(new Error('killed')) }),
    })
    await dying.scheduler.tick()
    expect((await runsOf(schedule)).map(({ at, isCanceling }) => [at, isCanceling])).toEqual([
      ['12:00', false],
      ['13:00', false],
    ])
    await expireClaims()
    await openProcess({ now: NOON + HOUR }).scheduler.tick()
    expect((await runsOf(schedule)).map(({ at, isCanceling }) => [at, isCanceling])).toEqual([
      ['12:00', true],
      ['13:00', false],
    ])
  })

  test('cancels nothing by CANCEL_PREVIOUS if the user pauses or deletes the schedule before it starts', async () => {
    for (const change of [`is_paused = true`, `deleted_at = now()`]) {
      const schedule = await makeSchedule({ overlap: 'CANCEL_PREVIOUS' })
      await openProcess().scheduler.tick()
      await openProcess({ now: NOON + HOUR, schedules: changedMeanwhile(schedule, change) }).scheduler.tick()
      expect((await runsOf(schedule)).map(({ at, isCanceling }) => [at, isCanceling])).toEqual([
        ['12:00', false],
      ])
    }
  })
})

describe('a schedule whose workflow cannot run', () => {
  test.each([
    ['archived', 'WORKFLOW_ARCHIVED', `UPDATE workflows SET archived_at = now() WHERE id = $1`],
    ['deleted', 'WORKFLOW_NOT_FOUND', `UPDATE workflows SET deleted_at = now() WHERE id = $1`],
    [
      'unsound',
      'VALIDATION_FAILED',
      `UPDATE workflows SET draft = '{"nodes":[{"id":"a","type":"no.such"}]}' WHERE id = $1`,
    ],
  ] as const)('because that is %s shows %s, and disturbs no other', async (_how, code, change) => {
    const [bad, good] = await Promise.all([makeSchedule(), makeSchedule()])
    await database.pool.query(change, [bad.workflowId])
    const process = openProcess()
    await process.scheduler.tick()
    expect(await outcomes(bad)).toEqual([`12:00 FAILED ${code}`])
    expect(await errorOf(bad)).toMatchObject({ code })
    expect(await outcomes(good)).toEqual(['12:00 STARTED'])
    expect(await nextAt(bad)).toEqual(new Date(NOON + HOUR))
    expect(process.faults).toEqual([])
  })

  test('because its input schema asks for work without end shows INPUT_INVALID, and disturbs no other', async () => {
    const endless = { ...SIMPLE, inputSchema: EXPONENTIAL_SCHEMA }
    const [bad, good] = await Promise.all([makeSchedule({ input: 'text' }), makeSchedule()])
    await database.pool.query('UPDATE workflows SET draft = $2 WHERE id = $1', [bad.workflowId, endless])
    const process = openProcess()
    await process.scheduler.tick()
    expect(await outcomes(bad)).toEqual(['12:00 FAILED INPUT_INVALID'])
    expect(await errorOf(bad)).toMatchObject({ message: expect.stringContaining('cannot be checked') })
    expect(await outcomes(good)).toEqual(['12:00 STARTED'])
    expect(await nextAt(bad)).toEqual(new Date(NOON + HOUR))
    expect(process.faults).toEqual([])
  })

  test('because its owner has too many open executions shows QUOTA_EXCEEDED, and how to mend it', async () => {
    const schedule = await makeSchedule()
    const refusal = { kind: 'quotaExceeded', quota: 'OPEN_EXECUTIONS', limit: 5, used: 5 } as const
    const process = openProcess({ quotas: { ...UNBOUNDED, takeStart: async () => refusal } })
    await process.scheduler.tick()
    expect(await outcomes(schedule)).toEqual(['12:00 FAILED QUOTA_EXCEEDED'])
    expect(await errorOf(schedule)).toMatchObject({
      message: expect.stringContaining('LUME_MAX_OPEN_EXECUTIONS'),
    })
    expect(process.faults).toEqual([])
  })

  test('shows no error any more once it can', async () => {
    const schedule = await makeSchedule()
    const archive = (value: string) =>
      database.pool.query(`UPDATE workflows SET archived_at = ${value} WHERE id = $1`, [schedule.workflowId])
    await archive('now()')
    await openProcess().scheduler.tick()
    expect(await errorOf(schedule)).not.toBeNull()
    await archive('NULL')
    await openProcess({ now: NOON + HOUR }).scheduler.tick()
    expect(await errorOf(schedule)).toBeNull()
  })
})

test('a running Lume starts what is due, runs it, and lists it under its schedule', async () => {
  const clock = new ManualClock(NOON)
  const schedule = await makeSchedule({ input: { from: 'schedule' }, tags: ['nightly'] })
  const worker = await fleet.open({}, { clock })
  const { services } = worker
  await until('the occurrence has started', async () => {
    await clock.advance(500)
    return (await runsOf(schedule)).length === 1
  })
  const [run] = await runsOf(schedule)
  await until('its run has ended', async () => {
    await clock.advance(500)
    const job = await services.prisma.job.findUnique({ where: { id: run?.id ?? '' } })
    return job?.status === 'COMPLETED'
  })
  const execution = await services.prisma.execution.findUniqueOrThrow({
    where: { id: run?.id ?? '' },
    include: { tags: true },
  })
  expect(execution.input).toEqual({ from: 'schedule' })
  expect(execution.tags.map(({ tag }) => tag)).toEqual(['nightly'])
  await worker.close()
})

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = () => {}
  const promise = new Promise<void>((done) => (resolve = done))
  return { promise, resolve }
}
