import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { pino } from 'pino'
import { createLocalWakeups } from '../../../src/db/wakeups.ts'
import { Worker } from '../../../src/jobs/worker.ts'
import { ManualClock } from '../../support/manual-clock.ts'

let clock: ManualClock
let worker: Worker
/** The instants at which the worker has looked for work, from its start on. */
let looks: number[]
let due: readonly number[]

beforeEach(async () => {
  clock = new ManualClock()
  const startedAt = clock.now()
  looks = []
  due = []
  worker = new Worker({
    processor: {
      freePlaces: 1,
      tick: async () => {
        looks.push(clock.now() - startedAt)
        return 0
      },
      obey: async () => undefined,
      renewLeases: async () => undefined,
      yieldAll: () => undefined,
      stop: async () => undefined,
    },
    jobs: { dueWithin: async () => due, expireLeases: async () => undefined },
    commands: { tellParents: async () => [] },
    wakeups: createLocalWakeups(),
    clock,
    logger: pino({ level: 'silent' }),
    leaseMs: 60_000,
    isAlone: false,
  })
  await worker.start()
})

afterEach(async () => {
  const stopped = worker.stop()
  await clock.advance(0)
  await stopped
})

test('a worker looks for work from time to time', async () => {
  await clock.advance(1_600)
  expect(looks).toEqual([0, 500, 1_000, 1_500])
})

test('a worker looks when a job comes due, not only at its next look', async () => {
  due = [25, 150]
  await clock.advance(500)
  due = []
  await clock.advance(600)
  expect(looks).toEqual([0, 500, 525, 650, 1_000])
})

test('a worker that stops looks for nothing more', async () => {
  due = [100]
  await clock.advance(500)
  await worker.stop()
  await clock.advance(5_000)
  expect(looks).toEqual([0, 500])
  expect(clock.nextDueAt).toBeNull()
})
