import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals'
import type { Lume } from '../../src/app.ts'
import { openDatabaseClock } from '../../src/db/database-clock.ts'
import type { JobId } from '../../src/lib/ids.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { createFleet, start, type Fleet } from '../support/fleet.ts'
import { jobRow, OWNER } from '../support/jobs.ts'
import { createShiftedClock } from '../support/shifted-clock.ts'
import { until } from '../support/until.ts'

const HOUR_MS = 3_600_000
/** Long enough for a park, short enough for a test. */
const SHORT_MS = 1_500
/** Leaves time to store the schedule before it comes due. */
const SCHEDULE_MS = 2_500

let database: TestDatabase
let fleet: Fleet

beforeAll(async () => {
  database = await createTestDatabase()
  fleet = createFleet(database)
})

afterEach(() => fleet.close())

afterAll(() => database.drop())

describe.each([
  ['ahead of and, on a second worker, behind', [HOUR_MS, -HOUR_MS]],
  ['behind and, on a second worker, ahead of', [-HOUR_MS, HOUR_MS]],
])('a clock that is an hour %s the database’s', (_name, shifts) => {
  test('changes no delay, start time, schedule, wait or deadline: the database’s clock decides', async () => {
    const [lume] = await openWorkers(shifts)
    const begunAt = await databaseTime()
    const runAt = begunAt + SHORT_MS
    const scheduledFor = begunAt + SCHEDULE_MS
    const scheduled = await schedule(lume, scheduledFor)
    const delay = await start(lume, nodeOf('core.delay', { duration: SHORT_MS }))
    const later = await start(lume, nodeOf('core.transform', { value: 1 }), { runAt })
    const wait = await start(lume, nodeOf('core.waitForSignal', { name: 'go', timeout: SHORT_MS }))
    const bounded = await start(lume, {
      ...nodeOf('core.waitForSignal', { name: 'go' }),
      limits: { timeoutMs: SHORT_MS },
    })
    expect(await ended(delay)).toMatchObject({ status: 'COMPLETED' })
    expect(await ended(wait)).toMatchObject({ status: 'FAILED', error: { code: 'SIGNAL_TIMEOUT' } })
    expect(await ended(bounded)).toMatchObject({ status: 'FAILED', error: { code: 'EXECUTION_TIMEOUT' } })
    expect((await ended(later)).started_at?.getTime()).toBeGreaterThanOrEqual(runAt)
    const occurrence = await until('the schedule has started its execution', () => startedBy(scheduled))
    expect((await ended(occurrence)).started_at?.getTime()).toBeGreaterThanOrEqual(scheduledFor)
    const endedAt = await databaseTime()
    for (const at of await recordedTimes()) {
      expect(at).toBeGreaterThanOrEqual(begunAt - 2)
      expect(at).toBeLessThanOrEqual(endedAt + 2)
    }
  })

  test('changes no expiry of an API key', async () => {
    const [{ services }] = await openWorkers(shifts)
    const now = await databaseTime()
    const create = (expiresAt: number) =>
      services.apiKeys.create(OWNER, { name: 'key', role: 'VIEWER', expiresAt: new Date(expiresAt) })
    const created = await create(now + HOUR_MS / 2)
    if (created.kind !== 'created') throw new Error(created.kind)
    expect(await services.apiKeys.find(created.key)).toMatchObject({ role: 'VIEWER' })
    expect(await create(now - HOUR_MS / 2)).toMatchObject({ kind: 'invalid', path: ['input', 'expiresAt'] })
    await database.pool.query(
      `UPDATE api_keys SET created_at = now() - interval '2 h', expires_at = now() - interval '30 min'`,
    )
    expect(await services.apiKeys.find(created.key)).toBeNull()
  })
})

test('a machine whose clock is set while a timer runs changes nothing', async () => {
  const machineClock = createShiftedClock()
  const lume = await fleet.open({}, { machineClock })
  const id = await start(lume, nodeOf('core.delay', { duration: SHORT_MS }))
  await until('it is parked', async () => (await jobRow(database.pool, id)).status === 'WAITING')
  machineClock.setForward(-HOUR_MS)
  expect(await ended(id)).toMatchObject({ status: 'COMPLETED' })
  machineClock.setForward(2 * HOUR_MS)
  const next = await start(lume, nodeOf('core.delay', { duration: SHORT_MS }))
  expect(await ended(next)).toMatchObject({ status: 'COMPLETED' })
})

describe('a process reports its clock', () => {
  test.each([
    [HOUR_MS, 'is 3600.0 s ahead of the database'],
    [-3_000, 'is 3.0 s behind the database'],
  ])('in one warning at start if it is off by %d ms, and in its metrics', async (shiftMs, words) => {
    const { clock, warn } = await openClock(shiftMs)
    expect(warn).toHaveBeenCalledTimes(1)
    expect(warn).toHaveBeenCalledWith(
      { clockOffsetMs: expect.any(Number) },
      expect.stringMatching(new RegExp(`${words}.*NTP`)),
    )
    expect(Math.round(clock.offsetMs() / 1_000)).toBe(shiftMs / 1_000)
    clock.close()
  })

  test('not at all if it is off by less than 2 s', async () => {
    const { clock, warn } = await openClock(1_500)
    expect(warn).not.toHaveBeenCalled()
    clock.close()
  })

  test('once when it is set while the process runs, and again after it was right in the meantime', async () => {
    const { clock, machine, warn } = await openClock(0)
    for (const times of [1, 2]) {
      machine.setForward(HOUR_MS)
      await until('it is reported', () => warn.mock.calls.length === times)
      machine.setForward(-HOUR_MS)
      await until('it is right', () => Math.abs(clock.offsetMs()) < 1_000)
    }
    clock.close()
  })
})

async function openClock(shiftMs: number) {
  const machine = createShiftedClock()
  machine.setForward(shiftMs)
  const warn = jest.fn()
  const clock = await openDatabaseClock({ pool: database.pool, machine, logger: { warn } })
  return { clock, machine, warn }
}

/** Workers on machines whose clocks are shifted by these times. */
async function openWorkers(shifts: readonly number[]): Promise<[Lume, ...Lume[]]> {
  await database.pool.query('TRUNCATE jobs, job_log, workflows, schedules, schedule_occurrences CASCADE')
  const lumes: Lume[] = []
  for (const shiftMs of shifts) {
    const machineClock = createShiftedClock()
    machineClock.setForward(shiftMs)
    lumes.push(await fleet.open({}, { machineClock }))
  }
  const [first, ...others] = lumes
  if (!first) throw new Error('no worker is wanted')
  return [first, ...others]
}

function nodeOf(type: string, config: object) {
  return { nodes: [{ id: 'only', type, config }], edges: [] }
}

async function schedule({ services }: Lume, at: number): Promise<string> {
  const definition = nodeOf('core.transform', { value: 1 })
  const { drafts, schedules } = services
  const workflow = await drafts.create(OWNER, { name: 'nightly', definition })
  if (workflow.kind !== 'saved') throw new Error(workflow.kind)
  const saved = await schedules.create({ ownerId: OWNER, workflowId: workflow.id }, { at, draft: true })
  if (saved.kind !== 'saved') throw new Error(JSON.stringify(saved))
  return saved.id
}

async function startedBy(scheduleId: string): Promise<JobId | null> {
  const { rows } = await database.pool.query<{ id: JobId }>(
    'SELECT id FROM executions WHERE schedule_id = $1',
    [scheduleId],
  )
  return rows[0]?.id ?? null
}

function ended(id: JobId) {
  return until('it has ended', async () => {
    const row = await jobRow(database.pool, id)
    return row.finished_at !== null && row
  })
}

async function databaseTime(): Promise<number> {
  const { rows } = await database.pool.query<{ now: Date }>('SELECT clock_timestamp() AS now')
  return rows[0]?.now.getTime() ?? 0
}

/** When everything that is on record happened. */
async function recordedTimes(): Promise<readonly number[]> {
  const { rows } = await database.pool.query<{ at: Date }>(
    `SELECT created_at AS at FROM jobs UNION ALL SELECT started_at FROM jobs UNION ALL SELECT finished_at FROM jobs
     UNION ALL SELECT at FROM job_log UNION ALL SELECT recorded_at FROM schedule_occurrences`,
  )
  return rows.map(({ at }) => at.getTime())
}
