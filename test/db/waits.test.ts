import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals'
import type { Lume } from '../../src/app.ts'
import { createExecutionStore } from '../../src/db/executions/execution-store.ts'
import type { JobId } from '../../src/lib/ids.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { createFleet, start, type Fleet } from '../support/fleet.ts'
import { OWNER, timelineKinds } from '../support/jobs.ts'
import { createProbe, probes } from '../support/probe.ts'
import { until } from '../support/until.ts'

const MANY = 300
/** Far fewer than there are waits. */
const CONCURRENCY = 4
const PATIENCE_MS = 120_000

let database: TestDatabase
let fleet: Fleet

beforeAll(async () => {
  database = await createTestDatabase()
})

beforeEach(async () => {
  await database.pool.query('TRUNCATE jobs CASCADE')
  fleet = createFleet(database)
})

afterEach(() => fleet.close())

afterAll(() => database.drop())

test(
  `${MANY} executions that wait for a signal hold no worker, and all of them wake`,
  async () => {
    const probe = createProbe()
    const lume = await fleet.open({ concurrency: CONCURRENCY }, { blocks: [probe.block] })
    const ids = await startMany(lume, {
      nodes: [{ id: 'ask', type: 'core.waitForSignal', config: { name: 'go' } }],
      edges: [],
    })
    await allAre('WAITING')
    await expectAllPlacesFree(lume, probe)
    for (const id of ids) await lume.jobs.signalJob(id, { name: 'go', payload: id })
    await allAre('COMPLETED')
    const { output } = createExecutionStore(database.pool)
    expect(await Promise.all(ids.map((id) => output({ id, ownerId: OWNER })))).toEqual(ids)
  },
  PATIENCE_MS,
)

test(
  `${MANY} executions that wait for a timer hold no worker; those that come due while everything is down wake at the next start`,
  async () => {
    const probe = createProbe()
    const before = await fleet.open({ concurrency: CONCURRENCY }, { blocks: [probe.block] })
    const ids = await startMany(before, {
      nodes: [{ id: 'wait', type: 'core.delay', config: { duration: '1h' } }],
      edges: [],
    })
    await allAre('WAITING')
    await expectAllPlacesFree(before, probe)
    await before.close()
    await letAnHourPass()
    await fleet.open({ concurrency: CONCURRENCY })
    await allAre('COMPLETED')
    const [first] = ids
    expect(await timelineKinds(database.pool, first as JobId)).toEqual([
      'JOB_QUEUED',
      'JOB_STARTED',
      'STEP_STARTED',
      'STEP_WAITING',
      'JOB_WAITING',
      'STEP_COMPLETED',
      'JOB_COMPLETED',
    ])
  },
  PATIENCE_MS,
)

async function startMany(lume: Lume, definition: object): Promise<JobId[]> {
  const ids: JobId[] = []
  for (let n = 0; n < MANY; n++) ids.push(await start(lume, definition))
  return ids
}

/** Nobody holds a job that waits: as many others as there are places run side by side. */
async function expectAllPlacesFree(lume: Lume, probe: ReturnType<typeof createProbe>): Promise<void> {
  const { rows } = await database.pool.query('SELECT 1 FROM jobs WHERE holder IS NOT NULL')
  expect(rows).toEqual([])
  for (let n = 0; n < CONCURRENCY; n++) await start(lume, probes(`busy-${n}…`))
  const calls = await Promise.all(Array.from({ length: CONCURRENCY }, (_, n) => probe.called(`busy-${n}`)))
  for (const call of calls) call.finish()
}

/** Moves everything on record an hour back, which is the same: the times in an entry count from that of the entry. */
async function letAnHourPass(): Promise<void> {
  await database.pool.query(`UPDATE jobs SET wake_at = wake_at - interval '1 h'`)
  await database.pool.query(`UPDATE job_log SET at = at - interval '1 h'`)
}

async function allAre(status: string): Promise<void> {
  await until(
    `all are ${status}`,
    async () => {
      const { rows } = await database.pool.query<{ others: number }>(
        `SELECT count(*)::int AS others FROM jobs
         WHERE status <> $1 AND id NOT IN (SELECT job_id FROM job_log WHERE changes::text LIKE '%"p":"busy-%')`,
        [status],
      )
      return rows[0]?.others === 0
    },
    PATIENCE_MS,
  )
}
