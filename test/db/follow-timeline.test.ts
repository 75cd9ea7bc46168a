import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { createEventStore, type EventStore } from '../../src/db/stores/event-store.ts'
import { createJobStore, type JobStore } from '../../src/db/jobs/job-store.ts'
import { createJournalStore } from '../../src/db/journal/journal-store.ts'
import type { JobWrite } from '../../src/db/journal/journal-write.ts'
import { Journal, type ClaimedJournal } from '../../src/db/journal/journal.ts'
import { createLogStore } from '../../src/db/log/log-store.ts'
import { createLocalWakeups, type Wakeups } from '../../src/db/wakeups.ts'
import { event } from '../../src/engine/record/event.ts'
import type { JournalEntry } from '../../src/engine/record/journal.ts'
import { newId, type JobId } from '../../src/lib/ids.ts'
import { systemClock, type Clock } from '../../src/lib/time/clock.ts'
import type { TimelineBatch } from '../../src/live/follow-timeline.ts'
import { Timelines, type FollowRequest } from '../../src/live/timelines.ts'
import { isStorableText } from '../../src/lib/json/index.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { fc } from '../support/fast-check.ts'
import { OWNER, storeClaimedJob, STRANGER } from '../support/jobs.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { until } from '../support/until.ts'

const PAGE = 500
const LOOK_AGAIN_MS = 2_000

let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase()
})

const opened: Timelines[] = []

afterEach(() => {
  for (const timelines of opened.splice(0)) timelines.close()
})

afterAll(() => database.drop())

test('subscribing before, during and after a run gives the same events', async () => {
  const world = openWorld()
  const { id, ledger } = await openJob(world)
  const before = collect(world, { jobId: id })
  for (let n = 0; n < 20; n++) await ledger.append(noted(`first ${n}`))
  const during = collect(world, { jobId: id })
  for (let n = 0; n < 20; n++) await ledger.append(noted(`second ${n}`))
  await ledger.append(ENDED)
  const after = collect(world, { jobId: id })
  const timelines = (await Promise.all([before, during, after])).map((batches) =>
    batches.flatMap(({ events }) => events),
  )
  expect(timelines[0]?.map(({ seq }) => seq)).toEqual(Array.from({ length: 42 }, (_, index) => index + 1))
  expect(timelines[1]).toEqual(timelines[0])
  expect(timelines[2]).toEqual(timelines[0])
})

test('every subscriber can resume after any number', async () => {
  const world = openWorld()
  const { id, ledger } = await openJob(world)
  for (let n = 0; n < 8; n++) await ledger.append(noted(`note ${n}`))
  await ledger.append(ENDED)
  for (let after = 0; after <= 10; after++) {
    const batches = await collect(world, { jobId: id, after })
    expect(seqsOf(batches)).toEqual(Array.from({ length: 10 - after }, (_, index) => after + index + 1))
    expect(batches.at(-1)).toMatchObject({ cursor: 10, isCaughtUp: true, job: { status: 'COMPLETED' } })
  }
})

test('what is appended while the first page is read is not missed, and needs no further hint', async () => {
  const events = createEventStore(database.pool)
  const world = openWorld({
    events: {
      async after(...args) {
        const page = await events.after(...args)
        if (page.some(({ kind }) => kind === 'JOB_QUEUED')) await late?.()
        return page
      },
    },
  })
  const { id, ledger } = await openJob(world)
  const late = () => ledger.append(ENDED)
  expect(seqsOf(await collect(world, { jobId: id }))).toEqual([1, 2])
})

test('a filter by kind sends no batch without a wanted event; the cursor counts the others, and the end is seen', async () => {
  const world = openWorld()
  const { id, ledger } = await openJob(world)
  const follower = world.timelines.follow(request({ jobId: id, kinds: new Set(['JOB_WAITING']) }))
  const next = take(follower)
  await ledger.append(noted('left out'))
  await ledger.append(WAITING)
  expect(await next).toMatchObject({ events: [{ seq: 3, kind: 'JOB_WAITING' }], cursor: 3 })
  await ledger.append(ENDED)
  expect(await take(follower)).toMatchObject({ events: [], cursor: 4, job: { status: 'COMPLETED' } })
  expect(await follower.next()).toMatchObject({ done: true })
})

test('lost hints cost latency, never events', async () => {
  const clock = new ManualClock()
  const deaf: Pick<Wakeups, 'onNews'> = { onNews: () => () => undefined }
  const world = openWorld({ listens: deaf, isElsewhere: true, clock })
  const { id, ledger } = await openJob(world)
  const collected = collect(world, { jobId: id })
  for (let n = 0; n < 3; n++) await ledger.append(noted(`unheard ${n}`))
  await ledger.append(ENDED)
  let batches: readonly TimelineBatch[] | undefined
  void collected.then((all) => (batches = all))
  await until('it has looked by itself', async () => {
    await clock.advance(LOOK_AGAIN_MS)
    return batches
  })
  expect(seqsOf(batches ?? [])).toEqual([1, 2, 3, 4, 5])
})

test('a read that fails is repeated, and the follower gets the whole timeline', async () => {
  const events = createEventStore(database.pool)
  let faults = 3
  const world = openWorld({
    clock: systemClock,
    events: {
      after: (...args) =>
        faults-- > 0 ? Promise.reject(new Error('a fault of the test')) : events.after(...args),
    },
  })
  const { id, ledger } = await openJob(world)
  await ledger.append(ENDED)
  expect(seqsOf(await collect(world, { jobId: id }))).toEqual([1, 2])
})

test('a follower whose reads keep failing ends with their fault, and those beside it wait for no event that is recorded already', async () => {
  const clock = new ManualClock()
  const events = createEventStore(database.pool)
  let isAway = false
  const world = openWorld({
    isElsewhere: true,
    clock,
    events: {
      async after(...args) {
        if (isAway) throw new Error('a fault of the test')
        return events.after(...args)
      },
    },
  })
  const { id, ledger } = await openJob(world)
  await ledger.append(noted('one'))
  const [first, second] = [0, 1].map((after) => world.timelines.follow(request({ jobId: id, after })))
  if (!first || !second) throw new Error('there are two')
  expect(await take(first)).toMatchObject({ cursor: 2 })
  expect(await take(second)).toMatchObject({ cursor: 2 })
  // While the first reads after the hint, the second finds in memory that nothing is new.
  const [left, right] = [take(first), take(second)]
  isAway = true
  await ledger.append(ENDED)
  const failed = Promise.allSettled([left, right])
  let outcome: Awaited<typeof failed> | null = null
  void failed.then((settled) => (outcome = settled))
  await until('the fault is final', async () => {
    await clock.advance(1_000)
    return outcome
  })
  expect(await failed).toMatchObject([
    { status: 'rejected', reason: { message: 'a fault of the test' } },
    { status: 'rejected', reason: { message: 'a fault of the test' } },
  ])
  isAway = false
  expect(seqsOf(await collect(world, { jobId: id, after: 2 }))).toEqual([3])
})

test('an unknown job, and a job of another owner, are not found, and their timelines are empty', async () => {
  const world = openWorld()
  const { id } = await openJob(world)
  const follower = world.timelines.follow(request({ jobId: id }))
  await take(follower)
  for (const [ownerId, jobId] of [
    [OWNER, newId<JobId>()],
    [STRANGER, id],
  ] as const) {
    expect(await world.timelines.find(ownerId, jobId)).toBeNull()
    const foreign = world.timelines.follow({ ...request({ jobId }), job: { id: jobId, ownerId } })
    expect(await foreign.next()).toEqual({ done: true, value: undefined })
  }
  expect(world.timelines.followers).toBe(1)
  expect(await world.timelines.find(OWNER, id)).toMatchObject({ id })
  await follower.return()
  expect(world.timelines.followers).toBe(0)
})

test('an abort ends the following promptly, and nobody listens any more', async () => {
  const world = openWorld({ clock: new ManualClock() })
  const { id } = await openJob(world)
  const gone = new AbortController()
  const follower = world.timelines.follow(request({ jobId: id, signal: gone.signal }))
  await take(follower)
  const next = follower.next()
  await until('it waits', () => world.timelines.followers === 1)
  gone.abort(new Error('gone'))
  expect(await next).toEqual({ done: true, value: undefined })
  expect(world.timelines.followers).toBe(0)
})

test('a number beyond the end stands for the end: what comes then is seen', async () => {
  const jobs = createJobStore(database.pool)
  let found = 0
  const find: JobStore['find'] = async (...args) => {
    const job = await jobs.find(...args)
    found++
    return job
  }
  const world = openWorld({ jobs: { ...jobs, find } })
  const { id, ledger } = await openJob(world)
  const first = world.timelines.follow(request({ jobId: id }))
  await take(first)
  const follower = world.timelines.follow(request({ jobId: id, after: 1_000 }))
  const next = take(follower)
  await until('the follower knows the end', () => found === 2)
  await ledger.append(ENDED)
  expect(await next).toMatchObject({ events: [{ seq: 2 }], job: { status: 'COMPLETED' } })
  expect(await follower.next()).toMatchObject({ done: true })
  await first.return()
  const [only, ...more] = await collect(world, { jobId: id, after: 1_000 })
  expect([only, more]).toMatchObject([{ events: [], cursor: 2, job: { status: 'COMPLETED' } }, []])
})

test('a follower that comes from another process with a number that memory does not know yet gets no event again', async () => {
  const deaf: Pick<Wakeups, 'onNews'> = { onNews: () => () => undefined }
  const world = openWorld({ listens: deaf, isElsewhere: true })
  const { id, ledger } = await openJob(world)
  const first = world.timelines.follow(request({ jobId: id }))
  await take(first)
  for (let n = 0; n < 2; n++) await ledger.append(noted(`unheard ${n}`))
  await ledger.append(ENDED)
  expect(seqsOf(await collect(world, { jobId: id, after: 3 }))).toEqual([4])
  await first.return()
})

test('a slow reader holds one page: nothing is read ahead of it', async () => {
  const reads: number[] = []
  const events = createEventStore(database.pool)
  const world = openWorld({
    events: {
      async after(...args) {
        const page = await events.after(...args)
        reads.push(page.length)
        return page
      },
    },
  })
  const { id, ledger } = await openJob(world)
  await ledger.append(manyNotes(3 * PAGE))
  const follower = world.timelines.follow(request({ jobId: id }))
  expect(await take(follower)).toMatchObject({ cursor: PAGE, isCaughtUp: false })
  for (let n = 0; n < 10; n++) await ledger.append(noted(`meanwhile ${n}`))
  expect(reads).toHaveLength(1)
  expect(Math.max(...reads)).toBeLessThanOrEqual(PAGE + 1)
  await ledger.append(ENDED)
  const cursors: [number, boolean][] = []
  for await (const { cursor, isCaughtUp } of follower) cursors.push([cursor, isCaughtUp])
  expect(cursors).toEqual([
    [2 * PAGE, false],
    [3 * PAGE, false],
    [3 * PAGE + 12, true],
  ])
})

test('a timeline that fills its last page to the brim is known to be caught up', async () => {
  const world = openWorld()
  const { id, ledger } = await openJob(world)
  await ledger.append(manyNotes(PAGE - 1))
  const follower = world.timelines.follow(request({ jobId: id }))
  expect(await take(follower)).toMatchObject({ cursor: PAGE, isCaughtUp: true })
  await follower.return()
})

test('a hundred hints while a reader is busy are one look', async () => {
  let reads = 0
  const events = createEventStore(database.pool)
  const world = openWorld({
    clock: new ManualClock(),
    events: {
      after(...args) {
        reads++
        return events.after(...args)
      },
    },
  })
  const { id, ledger } = await openJob(world)
  const follower = world.timelines.follow(request({ jobId: id }))
  await take(follower)
  await ledger.append(noted('one'))
  for (let n = 0; n < 100; n++) world.wakeups.news([id])
  expect(await take(follower)).toMatchObject({ cursor: 2 })
  expect(reads).toBe(2)
  await follower.return()
})

test('the followers of a job that is written here read nothing after their first look', async () => {
  const { world, reads } = countingWorld()
  const { id, ledger } = await openJob(world)
  const followers = Array.from({ length: 20 }, () => world.timelines.follow(request({ jobId: id })))
  for (const follower of followers) await take(follower)
  expect(reads()).toBe(1)
  for (let n = 0; n < 10; n++) {
    const next = followers.map(take)
    await ledger.append(noted(`note ${n}`))
    const batches = await Promise.all(next)
    expect(new Set(batches).size).toBe(1)
    expect(batches[0]).toMatchObject({ events: [{ seq: n + 2 }], cursor: n + 2, job: { lastSeq: n + 2 } })
  }
  expect(reads()).toBe(1)
  for (const follower of followers) await follower.return()
})

test('a hint of another process is one read for all followers of the job', async () => {
  const { world, reads } = countingWorld({ isElsewhere: true })
  const { id, ledger } = await openJob(world)
  const followers = Array.from({ length: 20 }, () => world.timelines.follow(request({ jobId: id })))
  for (const follower of followers) await take(follower)
  const before = reads()
  const next = followers.map(take)
  await ledger.append(noted('elsewhere'))
  for (const batch of await Promise.all(next))
    expect(batch).toMatchObject({ events: [{ seq: 2 }], cursor: 2 })
  expect(reads()).toBe(before + 1)
  for (const follower of followers) await follower.return()
})

test('a look at ten thousand followed jobs is one statement per thousand', async () => {
  const clock = new ManualClock()
  const looks: number[] = []
  const store = createJobStore(database.pool)
  const { id } = await openJob(openWorld())
  const job = await store.find(OWNER, id)
  if (!job) throw new Error('the job is stored')
  const queued = await createEventStore(database.pool).after({ id, ownerId: OWNER }, 0, 1)
  const timelines = new Timelines({
    events: { after: async () => queued },
    jobs: {
      find: async (_owner, other) => ({ ...job, id: other }),
      positions: async (ids) => {
        looks.push(ids.length)
        return []
      },
    },
    wakeups: createLocalWakeups(),
    clock,
  })
  opened.push(timelines)
  const followers = Array.from({ length: 10_000 }, () => {
    const known = { id: newId<JobId>(), ownerId: OWNER }
    return timelines.follow({ ...request({ jobId: known.id }), job: known })
  })
  for (const follower of followers) await take(follower)
  await clock.advance(LOOK_AGAIN_MS)
  await until('all are looked at', () => looks.length === 10)
  expect(looks).toEqual(Array.from({ length: 10 }, () => 1_000))
  for (const follower of followers) await follower.return()
})

test('what memory knows of a job is its row, after any sequence of flushes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(changes, { minLength: 1, maxLength: 8 }), fc.boolean(), async (all, ends) => {
      const { world, reads } = countingWorld()
      const { id, ledger } = await openJob(world)
      const follower = world.timelines.follow(request({ jobId: id }))
      await take(follower)
      const before = reads()
      const entries = all.map(({ notes, ...job }): JournalEntry => ({
        events: notes.map((message) => event('JOB_PROGRESS', 1, { message })),
        job,
      }))
      for (const entry of [...entries, ...(ends ? [ENDED] : [])]) await ledger.append(entry)
      const known = await world.timelines.find(OWNER, id)
      expect(reads()).toBe(before)
      expect(known).toEqual(await createJobStore(database.pool).find(OWNER, id))
      await follower.return()
    }),
    { numRuns: 40 },
  )
}, 60_000)

const changes = fc.record(
  {
    notes: fc.array(fc.string({ maxLength: 5 }).filter(isStorableText), { maxLength: 3 }),
    progress: fc.integer({ min: 0, max: 95 }),
    status: fc.constantFrom('RUNNING' as const, 'WAITING' as const),
    currentStep: fc.constantFrom('a', 'b', null),
    completedNodes: fc.nat(5),
    startedAt: fc.integer({ min: 1, max: 9 }),
  },
  { requiredKeys: ['notes', 'progress'] },
)

/** A world whose reads of the database are counted. */
function countingWorld(options: Pick<WorldOptions, 'isElsewhere'> = {}) {
  let reads = 0
  const events = createEventStore(database.pool)
  const world = openWorld({
    ...options,
    events: {
      after(...args) {
        reads++
        return events.after(...args)
      },
    },
  })
  return { world, reads: () => reads }
}

interface World {
  readonly timelines: Timelines
  readonly wakeups: Wakeups
  readonly journal: Journal
}

interface WorldOptions {
  readonly events?: Pick<EventStore, 'after'>
  readonly jobs?: Pick<JobStore, 'find' | 'positions'>
  /** What the timelines listen to. */
  readonly listens?: Pick<Wakeups, 'onNews'>
  /** Whether the journal is that of another process, which only hints reach. */
  readonly isElsewhere?: boolean
  readonly clock?: Clock
}

/** Time stands still unless the test moves it: whatever arrives came from memory or by a hint. */
function openWorld({
  events,
  jobs,
  listens,
  isElsewhere = false,
  clock = new ManualClock(),
}: WorldOptions = {}): World {
  const wakeups = createLocalWakeups()
  const timelines = new Timelines({
    events: events ?? createEventStore(database.pool),
    jobs: jobs ?? createJobStore(database.pool),
    wakeups: listens ?? wakeups,
    clock,
  })
  opened.push(timelines)
  const onCommitted = (writes: readonly JobWrite[]) =>
    isElsewhere ? wakeups.news(writes.map(({ jobId }) => jobId)) : timelines.committed(writes)
  return {
    wakeups,
    timelines,
    journal: new Journal({
      store: createJournalStore(database.pool),
      pages: createLogStore(database.pool),
      clock,
      logger: { warn: () => undefined },
      listener: { onCommitted },
    }),
  }
}

async function openJob({ journal }: World): Promise<{ id: JobId; ledger: ClaimedJournal }> {
  const claim = await storeClaimedJob(database.pool)
  return { id: claim.jobId, ledger: journal.open(claim) }
}

type Change = Partial<Omit<FollowRequest, 'job'>> & { readonly jobId: JobId }

function request({ jobId, ...change }: Change): FollowRequest {
  const job = { id: jobId, ownerId: OWNER }
  return { job, after: 0, kinds: null, signal: new AbortController().signal, ...change }
}

async function collect({ timelines }: World, change: Change): Promise<readonly TimelineBatch[]> {
  const batches: TimelineBatch[] = []
  for await (const batch of timelines.follow(request(change))) batches.push(batch)
  return batches
}

async function take(follower: AsyncGenerator<TimelineBatch, void>): Promise<TimelineBatch> {
  const { value } = await follower.next()
  if (!value) throw new Error('the following has ended')
  return value
}

function seqsOf(batches: readonly TimelineBatch[]): readonly number[] {
  return batches.flatMap(({ events }) => events).map(({ seq }) => seq)
}

function noted(message: string): JournalEntry {
  return { events: [event('JOB_PROGRESS', 1, { message })], job: { progress: 5, status: 'RUNNING' } }
}

function manyNotes(count: number): JournalEntry {
  const events = Array.from({ length: count }, (_, n) => event('JOB_PROGRESS', 1, { message: `${n}` }))
  return { events, job: { progress: 5, status: 'RUNNING' } }
}

const WAITING: JournalEntry = {
  events: [event('JOB_WAITING', 1, { until: null })],
  job: { progress: 5, status: 'WAITING' },
}

const ENDED: JournalEntry = {
  events: [event('JOB_COMPLETED', 1, {})],
  job: { progress: 100, end: { status: 'COMPLETED', at: 1, output: '1' } },
}
