import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals'
import pg from 'pg'
import { pino } from 'pino'
import { newSecretKeyText } from '../../src/access/secret-cipher.ts'
import type { JobId } from '../../src/lib/ids.ts'
import type { Lume } from '../../src/app.ts'
import type { LumeConfig } from '../../src/config.ts'
import type { Block } from '../../src/engine/block/block.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { createFleet, start, type Fleet } from '../support/fleet.ts'
import { jobRow, OWNER, timelineKinds, type JobRow } from '../support/jobs.ts'
import { createProbe, probes, type Probe } from '../support/probe.ts'
import { startTcpProxy, type Cut, type TcpProxy } from '../support/tcp-proxy.ts'
import { startCallOf, storeWorkflow } from '../support/trees.ts'
import { until } from '../support/until.ts'
import { createWorkBlocks } from '../support/work-blocks.ts'

const CUTS: readonly Cut[] = ['before', 'during', 'after']
/** So long that no lease runs out while a test runs. */
const LONG_LEASE_MS = 600_000
/** The limits of time that a database sets by default, far below the time that a lock is held. */
const LIMIT_MS = 200

let database: TestDatabase
let proxy: TcpProxy
let fleet: Fleet
let probe: Probe
let lines: { readonly msg: string; readonly failed?: number; readonly err?: unknown }[]

beforeAll(async () => {
  database = await createTestDatabase()
  proxy = await startTcpProxy(database.url)
})

beforeEach(async () => {
  await database.pool.query('TRUNCATE jobs, idempotency_keys CASCADE')
  fleet = createFleet(database)
  probe = createProbe()
  lines = []
})

afterEach(async () => {
  proxy.restore()
  await fleet.close()
})

afterAll(async () => {
  await proxy.close()
  await database.drop()
})

// Settings of the database

test('executions wait while the log is locked for longer than the lock_timeout and statement_timeout of the database; then they complete, and each call is sent once', async () => {
  await withDefaults({ lock_timeout: `${LIMIT_MS}ms`, statement_timeout: `${LIMIT_MS}ms` }, async () => {
    const ids = await startHeld()
    const locker = new pg.Client({ connectionString: database.url, lock_timeout: 0, statement_timeout: 0 })
    await locker.connect()
    try {
      await locker.query('BEGIN; LOCK TABLE job_log IN ACCESS EXCLUSIVE MODE')
      for (const call of probe.calls) call.finish()
      await until('a flush has waited for longer than the limits', hasWaited)
      expect(await statuses(ids)).toEqual(ids.map(() => 'RUNNING'))
    } finally {
      await locker.end()
    }
    await expectCompleted(ids)
    expect(lines).toEqual([])
  })
})

test('executions at once meet no conflict although the default_transaction_isolation of the database is serializable', async () => {
  await withDefaults({ default_transaction_isolation: 'serializable' }, async () => {
    const workers = [
      await openWorker({ databaseUrl: database.url }),
      await openWorker({ databaseUrl: database.url }),
    ]
    const ids = await Promise.all(
      Array.from({ length: 16 }, (_, n) => start(workers[n % 2] as Lume, probes(`first-${n}`, `last-${n}`))),
    )
    for (const id of ids)
      expect(await ended(id)).toMatchObject({ status: 'COMPLETED', recoveries: 0, fence: '1' })
    expect(lines).toEqual([])
  })
})

/** Gives sessions of the database that open while `act` runs these settings by default. */
async function withDefaults(
  settings: Readonly<Record<string, string>>,
  act: () => Promise<void>,
): Promise<void> {
  const name = new URL(database.url).pathname.slice(1)
  for (const [setting, value] of Object.entries(settings))
    await database.pool.query(`ALTER DATABASE ${name} SET ${setting} = '${value}'`)
  try {
    await act()
  } finally {
    for (const setting of Object.keys(settings))
      await database.pool.query(`ALTER DATABASE ${name} RESET ${setting}`)
  }
}

async function hasWaited(): Promise<boolean> {
  const { rowCount } = await database.pool.query(
    `SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'lume'
     AND wait_event_type = 'Lock' AND query_start < clock_timestamp() - interval '${3 * LIMIT_MS} ms'`,
  )
  return rowCount !== 0
}

// Errors of the server

test.each([
  ['55P03', 'lock_not_available'],
  ['57014', 'query_canceled'],
])(
  'executions wait while the server ends each of their flushes with %s (%s); then they complete, and each call is sent once',
  async (code) => {
    const ids = await startHeld()
    await database.pool.query(`
      CREATE SEQUENCE ended_flushes;
      CREATE FUNCTION end_flush() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM nextval('ended_flushes'); RAISE EXCEPTION USING ERRCODE = '${code}'; END $$;
      CREATE TRIGGER end_flush BEFORE INSERT ON job_log EXECUTE FUNCTION end_flush()`)
    try {
      for (const call of probe.calls) call.finish()
      await until('the server has ended three flushes', async () => {
        const { rows } = await database.pool.query<{ count: number }>(
          'SELECT last_value::int AS count FROM ended_flushes',
        )
        return rows.some(({ count }) => count >= 3)
      })
      expect(await statuses(ids)).toEqual(ids.map(() => 'RUNNING'))
    } finally {
      await database.pool.query('DROP FUNCTION end_flush CASCADE; DROP SEQUENCE ended_flushes')
    }
    await expectCompleted(ids)
    await until('the outage is over', () => lines.some(({ msg }) => msg === 'the database answers again'))
    expect(lines).toMatchObject([
      { msg: expect.stringContaining('the database fails') },
      { failed: expect.any(Number) },
    ])
  },
)

/** Starts eight executions of two calls, on a worker that runs all of them, and waits until each is in its first call. */
async function startHeld(): Promise<readonly JobId[]> {
  const lume = await openWorker({ databaseUrl: database.url, concurrency: 8 })
  const ids: JobId[] = []
  for (let n = 0; n < 8; n++) ids.push(await start(lume, probes(`first-${n}…`, `last-${n}`)))
  for (let n = 0; n < 8; n++) await probe.called(`first-${n}`)
  await until('all are on record as running', async () =>
    (await statuses(ids)).every((status) => status === 'RUNNING'),
  )
  return ids
}

async function expectCompleted(ids: readonly JobId[]): Promise<void> {
  for (const id of ids)
    expect(await ended(id)).toMatchObject({ status: 'COMPLETED', recoveries: 0, fence: '1' })
  for (let n = 0; n < 8; n++) expect([probe.count(`first-${n}`), probe.count(`last-${n}`)]).toEqual([1, 1])
}

// Restarts

test('executions whose calls outlast restarts of the database continue, and none of it counts as a loss', async () => {
  const workers = [await openWorker({ leaseMs: 1_000 }), await openWorker({ leaseMs: 1_000 })]
  const ids: JobId[] = []
  for (const lume of workers)
    for (let n = 0; n < 2; n++) ids.push(await start(lume, probes(`call-${ids.length}…`)))
  for (let n = 0; n < 4; n++) await probe.called(`call-${n}`)
  const held = async () =>
    (await database.pool.query('SELECT FROM jobs WHERE leased_until > now()')).rowCount ?? 0
  for (let restart = 0; restart < 3; restart++) {
    await until('all are held', async () => (await held()) === ids.length)
    proxy.sever()
    await until('all leases have run out', async () => (await held()) === 0)
    proxy.restore()
    await until('all are held again', async () => {
      for (const id of ids) expect((await jobRow(database.pool, id)).recoveries).toBe(0)
      return (await held()) === ids.length
    })
  }
  await until('all have completed', async () => {
    for (const call of probe.calls) call.finish()
    return (await statuses(ids)).every((status) => status === 'COMPLETED')
  })
  for (const id of ids) expect(await timelineKinds(database.pool, id)).not.toContain('JOB_RECOVERED')
}, 60_000)

// Starts

test.each(CUTS)(
  'a start whose connection is cut %s its statement is accepted, and is one execution that runs at once',
  async (cut) => {
    const lume = await openWorker()
    const isCut = proxy.cutOnce('job-insert', cut)
    const id = await start(lume, probes('a'))
    await isCut
    expect(await ended(id)).toMatchObject({ status: 'COMPLETED', fence: '1' })
    expect(probe.count('a')).toBe(1)
    expect(await countJobs()).toBe(1)
  },
)

test.each(CUTS)(
  'a child whose start is cut %s its statement is started again under its key: there is one child, and its parent completes',
  async (cut) => {
    const lume = await openWorker()
    const child = await storeWorkflow(lume, () => probes('work'))
    const isCut = proxy.cutOnce('job-insert parent', cut)
    const id = await startCallOf(lume, child)
    await isCut
    expect(await ended(id)).toMatchObject({ status: 'COMPLETED', error: null })
    expect(probe.count('work')).toBe(1)
    expect(await countJobs()).toBe(2)
  },
)

test('a child is started once the database is back, however long it was away', async () => {
  const lume = await openWorker()
  const child = await storeWorkflow(lume, () => probes('work'))
  const isCut = proxy.cutOnce('job-insert parent', 'before')
  const id = await startCallOf(lume, child)
  await isCut
  proxy.sever()
  await until('the outage is noticed', () => lines.length > 0)
  proxy.restore()
  expect(await ended(id)).toMatchObject({ status: 'COMPLETED', recoveries: 0 })
  expect(probe.count('work')).toBe(1)
})

// Every statement

test.each([
  ['before', true],
  ['during', false],
  ['after', true],
] as const)(
  'an execution completes with the same output and calls although every other attempt of each of its statements is cut: %s the statement, the first attempt: %s',
  async (cut, isFirst) => {
    const { blocks, takeCalls } = createWorkBlocks()
    const api = await fleet.open({ role: 'api', secretKeys: [SECRET_KEY] }, { blocks })
    await api.services.vault.set(OWNER, 'token', 'a-secret-value')
    const child = await storeWorkflow(api, () => ({ nodes: [work('inner')], edges: [] }))
    await openWorker({ role: 'worker', leaseMs: 4_500, secretKeys: [SECRET_KEY] }, blocks)
    proxy.cutEveryOther(cut, isFirst)
    const { cuts } = proxy
    const id = await start(api, richDefinition(child))
    await api.services.commands.signal({ id, ownerId: OWNER }, { name: 'go', payload: 'went' })
    expect(await ended(id)).toMatchObject({ status: 'COMPLETED', error: null, recoveries: 0 })
    expect(proxy.cuts - cuts).toBeGreaterThan(10)
    const calls = ['first', 'flaky', 'flaky', 'inner', 'item 0', 'item 1', 'item 2', 'last', 'paid']
    expect(takeCalls().toSorted()).toEqual(calls)
    expect(await outputOf(api, id)).toEqual({
      items: ['item 0 is done', 'item 1 is done', 'item 2 is done'],
      child: 'inner is done',
      signal: 'went',
      last: 'last is done',
    })
  },
)

const SECRET_KEY = newSecretKeyText()

function work(name: string, more: object = {}) {
  return { id: name, type: 'test.work', config: { name }, ...more }
}

/** Has all that a run asks of the database: secrets, a retry, a loop, a child, a signal, checkpoints and calls that must not be repeated. */
function richDefinition(workflowId: string) {
  const nodes = [
    work('first', { config: { name: 'first', note: '{{ secrets.token }}' } }),
    work('flaky', { config: { name: 'flaky', failures: 1 }, retry: { initialDelayMs: 1 } }),
    {
      id: 'each',
      type: 'core.forEach',
      config: {
        items: [0, 1, 2],
        body: {
          nodes: [{ id: 'item', type: 'test.work', config: { name: 'item {{ item }}' } }],
          edges: [],
          output: '{{ nodes.item.output }}',
        },
      },
    },
    { id: 'child', type: 'core.callWorkflow', config: { workflowId } },
    { id: 'ask', type: 'core.waitForSignal', config: { name: 'go' } },
    { id: 'paid', type: 'test.paid', config: { name: 'paid' } },
    work('last'),
  ]
  return {
    nodes,
    edges: nodes.slice(1).map(({ id }, index) => ({ source: nodes[index]?.id, target: id })),
    output: {
      items: '{{ nodes.each.output }}',
      child: '{{ nodes.child.output }}',
      signal: '{{ nodes.ask.output }}',
      last: '{{ nodes.last.output }}',
    },
  }
}

function openWorker(config: Partial<LumeConfig> = {}, blocks: readonly Block[] = []): Promise<Lume> {
  const logger = pino({ level: 'info' }, { write: (line) => void lines.push(JSON.parse(line)) })
  return fleet.open(
    { databaseUrl: proxy.url, leaseMs: LONG_LEASE_MS, ...config },
    { logger, blocks: [probe.block, ...blocks] },
  )
}

function ended(id: string): Promise<JobRow> {
  return until(
    `job ${id} has ended`,
    async () => {
      const row = await jobRow(database.pool, id)
      return ['COMPLETED', 'FAILED', 'CANCELED'].includes(row.status) && row
    },
    20_000,
  )
}

async function statuses(ids: readonly string[]): Promise<readonly string[]> {
  return Promise.all(ids.map(async (id) => (await jobRow(database.pool, id)).status))
}

async function countJobs(): Promise<number> {
  return (await database.pool.query('SELECT FROM jobs')).rowCount ?? 0
}

async function outputOf(lume: Lume, id: string): Promise<unknown> {
  return (await lume.jobs.getJob(id))?.result
}
