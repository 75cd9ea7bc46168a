import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { pino } from 'pino'
import { createLocalWakeups } from '../../../src/db/wakeups.ts'
import { INBOX_POLL_MS, Worker } from '../../../src/jobs/worker/worker.ts'
import { Gate, ManualClock, settled } from '../../support/manual-clock.ts'

let clock: ManualClock
let worker: Worker
/** The instants at which the worker has looked for work, from its start on. */
let looks: number[]
let due: readonly number[]
let renewals: number
/** What a look does once it has been noted. */
let onLook: () => Promise<void>
let isClosing: boolean
let hasGivenBack: boolean
/** Ends the time that runs have when the worker stops. */
let graceOver: AbortController
/** Renewals take until it opens. */
let renewing: Gate | null
/** Renewals fail. */
let failing: boolean
/** Telling parents, with which each look begins, fails. */
let parentsFail: boolean
/** Looks for unknown claims take until it opens. */
let unknownClaims: Gate | null
let doubts: number
/** The instants of the looks that could take over jobs. */
let takeOvers: number[]
/** The runs take until it opens to yield. */
let yielding: Gate | null
let inboxLooks: number[]

beforeEach(async () => {
  clock = new ManualClock()
  const startedAt = clock.now()
  looks = []
  due = []
  renewals = 0
  inboxLooks = []
  onLook = async () => undefined
  isClosing = false
  hasGivenBack = false
  graceOver = new AbortController()
  yielding = null
  renewing = null
  failing = false
  parentsFail = false
  unknownClaims = null
  takeOvers = []
  doubts = 0
  worker = new Worker({
    processor: {
      freePlaces: 1,
      hasWaiting: false,
      noticeQueued: () => undefined,
      tick: async (look) => {
        if (isClosing) return 0
        looks.push(clock.now() - startedAt)
        if (look?.takesOver) takeOvers.push(clock.now() - startedAt)
        await onLook()
        return 0
      },
      obey: async () => undefined,
      runs: {
        noticeCommands: () => undefined,
        renewLeases: async () => {
          renewals++
          await renewing?.pass()
          if (failing) throw new Error('the database does not answer')
        },
        readInboxes: async () => void inboxLooks.push(clock.now() - startedAt),
        doubtLeases: () => void doubts++,
      },
      releaseUnknown: async () => unknownClaims?.pass(),
      drain: async () => {
        isClosing = true
        await yielding?.pass()
      },
      stop: async () => void (hasGivenBack = true),
    },
    jobs: { dueWithin: async () => due, expireLeases: async () => undefined },
    commands: {
      tellParents: async () => {
        if (parentsFail) throw new Error('the database does not answer')
        return []
      },
    },
    endCanceled: async () => 0,
    wakeups: createLocalWakeups(),
    clock,
    logger: pino({ level: 'silent' }),
    leaseMs: 60_000,
    isAlone: false,
  })
  await worker.start()
})

afterEach(async () => {
  renewing?.open()
  graceOver.abort()
  const stopped = worker.stop(graceOver.signal)
  await clock.advance(0)
  await stopped
})

test('a worker looks for work from time to time', async () => {
  await clock.advance(1_600)
  expect(looks).toEqual([0, 500, 1_000, 1_500])
})

test('a worker looks every two seconds whether the inboxes of its jobs have grown, however long the lease is', async () => {
  await clock.advance(3 * INBOX_POLL_MS)
  expect(inboxLooks).toEqual([2_000, 4_000, 6_000])
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
  await worker.stop(graceOver.signal)
  await clock.advance(5_000)
  expect(looks).toEqual([0, 500])
  expect(clock.nextDueAt).toBeNull()
})

test('a worker that stops in the middle of a backlog takes nothing more of it', async () => {
  const gate = new Gate()
  // Every look takes jobs that end at once, and each of them asks for the next look.
  onLook = async () => {
    await gate.pass()
    if (looks.length < 10) worker.kick()
  }
  worker.kick()
  await settled()
  const before = looks.length
  const stopped = worker.stop(graceOver.signal)
  gate.open()
  await stopped
  expect(looks).toHaveLength(before)
})

test('leases are in doubt once no renewal has been answered for two thirds of their time', async () => {
  renewing = new Gate()
  await clock.advance(39_000)
  expect(doubts).toBe(0)
  await clock.advance(1_000)
  expect(doubts).toBe(1)
})

test('leases are in doubt although the database fell silent between two renewals', async () => {
  unknownClaims = new Gate()
  await clock.advance(20_000)
  renewing = new Gate()
  await clock.advance(39_000)
  expect(doubts).toBe(0)
  await clock.advance(1_000)
  expect(doubts).toBe(1)
  unknownClaims.open()
})

test('a renewal that failed is repeated within a second', async () => {
  failing = true
  await clock.advance(20_000)
  expect(renewals).toBe(1)
  await clock.advance(3_000)
  expect(renewals).toBe(4)
})

test('a renewal whose answer waits because the thread is blocked puts no lease in doubt', async () => {
  renewing = new Gate()
  await clock.advance(20_000)
  expect(renewals).toBe(1)
  // The thread is blocked for longer than a lease. Timers fire before the answer is read.
  clock.block(200_000)
  await clock.advance(0)
  renewing.open()
  await clock.advance(39_000)
  expect([renewals > 1, doubts]).toEqual([true, 0])
})

test('after a look that failed, leases that have run out are left to their holders for two seconds', async () => {
  await clock.advance(500)
  onLook = () => Promise.reject(new Error('the database does not answer'))
  await clock.advance(1_000)
  onLook = async () => undefined
  await clock.advance(3_000)
  expect(takeOvers).toEqual([0, 500, 1_000, 3_500, 4_000, 4_500])
})

test('leases that have run out are left to their holders for two seconds also after looks that failed before they came to claiming', async () => {
  await clock.advance(500)
  parentsFail = true
  await clock.advance(10_000)
  parentsFail = false
  await clock.advance(3_000)
  expect(takeOvers).toEqual([0, 500, 12_500, 13_000, 13_500])
})

test('leases that have run out are left to their holders for two seconds also after looks that could not renew late leases', async () => {
  failing = true
  await clock.advance(60_000)
  failing = false
  await clock.advance(3_000)
  expect(takeOvers.find((at) => at > 40_000)).toBe(62_000)
})

test('the leases are renewed until all runs have yielded', async () => {
  yielding = new Gate()
  const stopped = worker.stop(graceOver.signal)
  await clock.advance(60_000)
  expect(renewals).toBe(3)
  yielding.open()
  await stopped
  await clock.advance(60_000)
  expect(renewals).toBe(3)
})

test('at the end of the grace period jobs are given back although runs have not yielded', async () => {
  yielding = new Gate()
  const stopped = worker.stop(graceOver.signal)
  await clock.advance(20_000)
  expect(hasGivenBack).toBe(false)
  graceOver.abort()
  await stopped
  expect(hasGivenBack).toBe(true)
})

test('a worker stops although the database does not answer', async () => {
  onLook = () => new Promise(() => {})
  worker.kick()
  await clock.advance(500)
  renewing = new Gate()
  await clock.advance(20_000)
  const stopped = worker.stop(graceOver.signal)
  graceOver.abort()
  await clock.advance(1_000)
  await stopped
  expect(hasGivenBack).toBe(true)
})
