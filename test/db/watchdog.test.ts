import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { GIVE_BACK_NEIGHBOURS, RENEW_HELD } from '../../src/db/jobs/held-leases.ts'
import type { Lease } from '../../src/db/jobs/job-claims.ts'
import { createJobStore, type JobStore } from '../../src/db/jobs/job-store.ts'
import { newId, type WorkerId } from '../../src/lib/ids.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { claimExpired, claimWaiting, expireLease, jobRow, storeJob } from '../support/jobs.ts'

let database: TestDatabase
let jobs: JobStore

beforeAll(async () => {
  database = await createTestDatabase()
  jobs = createJobStore(database.pool)
})
beforeEach(() => database.pool.query('TRUNCATE jobs, idempotency_keys CASCADE'))
afterAll(() => database.drop())

const newLease = (): Lease => ({ workerId: newId<WorkerId>(), leaseMs: 60_000 })

test('the watchdog renews only the leases of its worker, and waits for no locked row', async () => {
  const lease = newLease()
  const [mine, locked, other] = [
    await storeJob(database.pool, { lease }),
    await storeJob(database.pool, { lease }),
    await storeJob(database.pool, { lease: newLease() }),
  ]
  for (const id of [mine, locked, other]) await expireLease(database.pool, id)
  const holder = await database.pool.connect()
  await holder.query('BEGIN')
  await holder.query('SELECT 1 FROM jobs WHERE id = $1 FOR UPDATE', [locked])
  await database.pool.query(RENEW_HELD, [lease.workerId, lease.leaseMs])
  await holder.query('ROLLBACK')
  holder.release()
  const claimed = await claimExpired(jobs, newLease(), 10)
  expect(claimed.map(({ id }) => id).sort()).toEqual([locked, other].sort())
})

test('the watchdog gives the neighbours of a blocking job back without a counted recovery', async () => {
  const lease = newLease()
  const [blocking, neighbour, other] = [
    await storeJob(database.pool, { lease }),
    await storeJob(database.pool, { lease }),
    await storeJob(database.pool, { lease: newLease() }),
  ]
  await database.pool.query(GIVE_BACK_NEIGHBOURS, [lease.workerId, blocking])
  const claimed = await claimWaiting(jobs, newLease(), 10)
  expect(claimed.map(({ id, fence, recoveries }) => [id, fence, recoveries])).toEqual([[neighbour, 2n, 0]])
  await expireLease(database.pool, blocking)
  const expired = await claimExpired(jobs, newLease(), 10)
  expect(expired.map(({ id, recoveries }) => [id, recoveries])).toEqual([[blocking, 1]])
  expect(await jobRow(database.pool, other)).toMatchObject({ fence: '1', recoveries: 0 })
})

test('a start on the embedded database counts the loss only for the job that blocked the process before', async () => {
  const lease = newLease()
  const [blocking, neighbour] = [
    await storeJob(database.pool, { lease }),
    await storeJob(database.pool, { lease }),
  ]
  await jobs.expireLeases(blocking)
  const next = newLease()
  const claims = [...(await claimExpired(jobs, next, 10)), ...(await claimWaiting(jobs, next, 10))]
  expect(claims.map(({ id, recoveries }) => [id, recoveries])).toEqual([
    [blocking, 1],
    [neighbour, 0],
  ])
})
