import { setMaxListeners } from 'node:events'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createJobChanges, type JobChanges } from '../../src/db/lists/job-changes.ts'
import { ALL_RUNS, type RunFilter } from '../../src/db/lists/run-list.ts'
import { createLocalWakeups, type Wakeups } from '../../src/db/wakeups.ts'
import { event } from '../../src/engine/record/event.ts'
import { newId, ownerId, type JobId, type OwnerId } from '../../src/lib/ids.ts'
import { createFollowJobs } from '../../src/live/follow-jobs.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { storeJob } from '../support/jobs.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { recordEntries, sendTo } from '../support/record-entries.ts'
import { until } from '../support/until.ts'

const PAUSE_MS = 200
const LOOK_AGAIN_MS = 5_000
const MAX_HINTS = 5_000

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())

test('a job that is new, and every change of it, is told; many changes at once are told as one', async () => {
  const world = openWorld()
  const id = await world.store()
  world.wakeups.news([id])
  await world.sees([id])
  for (let n = 0; n < 50; n++) {
    await change(id)
    world.wakeups.news([id])
  }
  // One look may have been due when they began.
  expect(world.told.length).toBeLessThanOrEqual(2)
  await world.catchesUp(id)
  const count = world.told.length
  expect(count).toBeLessThanOrEqual(3)
  await change(id)
  world.wakeups.news([id])
  await world.catchesUp(id)
  expect(world.told).toHaveLength(count + 1)
  await world.leave()
})

test('a hint behind which nothing has changed tells nothing', async () => {
  const world = openWorld()
  const id = await world.store()
  world.wakeups.news([id])
  await world.sees([id])
  const looks = world.looks()
  world.wakeups.news([id])
  await world.clock.advance(PAUSE_MS)
  await until('it has looked', () => world.looks() > looks)
  expect(world.told).toEqual([id])
  await world.leave()
})

test('a cancel that was accepted is a change, before anybody carries it out', async () => {
  const world = openWorld()
  const id = await world.store()
  world.wakeups.news([id])
  await world.sees([id])
  await database.pool.query('UPDATE jobs SET cancel_requested_at = now() WHERE id = $1', [id])
  world.wakeups.command(id)
  await world.clock.advance(PAUSE_MS)
  await world.sees([id, id])
  await world.leave()
})

test('only the owner’s own jobs are told, and of those the ones that the filter leaves', async () => {
  const world = openWorld({ filter: { ...ALL_RUNS, types: ['SEARCH'] } })
  const foreign = await storeJob(database.pool, { ownerId: ownerId(newId()), type: 'SEARCH' })
  const other = await world.store()
  const search = await world.store({ type: 'SEARCH' })
  world.wakeups.news([foreign, other, search])
  await world.sees([search])
  await world.leave()
})

test('the news of other owners wake nobody, however many there are; whose a job is is asked once', async () => {
  const asked: JobId[] = []
  const owners: JobChanges['ownersOf'] = (ids) => {
    asked.push(...ids)
    return createJobChanges(database.pool).ownersOf(ids)
  }
  const world = openWorld({ owners })
  const foreign = await storeJob(database.pool, { ownerId: ownerId(newId()) })
  await until('it has looked', () => world.looks() === 1)
  for (let n = 0; n < 20; n++) {
    await change(foreign)
    world.wakeups.news([foreign])
    await world.clock.advance(PAUSE_MS)
  }
  expect(asked).toEqual([foreign])
  // Behind the foreign hints: when this one is told, those have been heard.
  const mine = await world.store()
  world.wakeups.news([mine])
  await world.sees([mine])
  expect(world.looks()).toBe(2)
  expect(asked).toEqual([foreign, mine])
  await world.leave()
})

test('hints whose owner cannot be read cost latency, never a change', async () => {
  const world = openWorld({ owners: () => Promise.reject(new Error('the database is gone')) })
  await until('it has looked', () => world.looks() === 1)
  const id = await world.store()
  world.wakeups.news([id])
  await world.sees([id])
  await world.leave()
})

test('a change is sent although the reads of its owner, of itself and of all changes fail for minutes', async () => {
  let isAway = false
  const store = createJobChanges(database.pool)
  const failing =
    <Args extends unknown[], Answer>(read: (...args: Args) => Promise<Answer>) =>
    (...args: Args) =>
      isAway ? Promise.reject(new Error('the database is gone')) : read(...args)
  const world = openWorld({
    owners: failing(store.ownersOf),
    reads: { among: failing(store.among), since: failing(store.since) },
  })
  const known = await world.store()
  world.wakeups.news([known])
  await world.sees([known])
  isAway = true
  const fresh = await world.store()
  // Its time is that of the outage, and no look after that reaches back so far.
  await change(known, world.clock.now())
  world.wakeups.news([known, fresh])
  await world.clock.advance(300_000)
  isAway = false
  await world.sees([known, known, fresh])
  await world.leave()
})

test('a change that is committed after an outage, with its time in the outage, is found although its hint is lost', async () => {
  let isAway = false
  const store = createJobChanges(database.pool)
  const since: JobChanges['since'] = (...args) =>
    isAway ? Promise.reject(new Error('the database is gone')) : store.since(...args)
  const world = openWorld({ reads: { among: store.among, since } })
  const id = await world.store()
  world.wakeups.news([id])
  await world.sees([id])
  isAway = true
  await world.clock.advance(60_000)
  const happenedAt = world.clock.now()
  await world.clock.advance(60_000)
  isAway = false
  const looks = world.looks()
  await until('it has looked after the outage', async () => {
    await world.clock.advance(PAUSE_MS)
    return world.looks() > looks
  })
  await change(id, happenedAt)
  await world.sees([id, id])
  await world.leave()
})

test('it begins with what changed in the seconds before, and with nothing older', async () => {
  const clock = new ManualClock()
  const owner = ownerId(newId())
  const store = (agoMs: number) => storeJob(database.pool, { ownerId: owner, at: clock.now() - agoMs })
  await store(60_000)
  const fresh = await store(1_000)
  const changed = await store(60_000)
  await change(changed, clock.now() - 500)
  const ended = await store(60_000)
  await database.pool.query(
    `UPDATE jobs SET status = 'CANCELED', finished_at = $2, wake_at = NULL WHERE id = $1`,
    [ended, new Date(clock.now() - 500)],
  )
  const world = openWorld({ clock, owner })
  await world.sees([fresh, changed, ended])
  await world.leave()
})

test('a change is found by the time of its last event, also where an entry of the log begins earlier', async () => {
  const owner = ownerId(newId())
  const at = Date.now()
  const id = await storeJob(database.pool, { ownerId: owner, at: at - 60_000 })
  const events = [at - 2_000, at + 2_000].map((time) => event('JOB_PROGRESS', time, { message: null }))
  await recordEntries(sendTo(database.pool), id, [{ events }])
  const found = async (since: number) => {
    const page = { since: new Date(since), beyond: null, limit: 10 }
    return (await createJobChanges(database.pool).since(owner, ALL_RUNS, page)).map((job) => job.id)
  }
  expect(await found(at - 3_000)).toEqual([id])
  expect(await found(at)).toEqual([id])
  expect(await found(at + 2_000)).toEqual([id])
  expect(await found(at + 2_001)).toEqual([])
})

test('lost hints cost latency, never a change', async () => {
  const deaf = { onAnyNews: () => () => undefined, onCommand: () => () => undefined }
  const world = openWorld({ listens: deaf })
  const id = await world.store()
  await until('it has looked by itself', async () => {
    await world.clock.advance(LOOK_AGAIN_MS)
    return world.told.length > 0
  })
  expect(world.told).toEqual([id])
  await change(id, world.clock.now())
  await until('it has looked once more', async () => {
    await world.clock.advance(LOOK_AGAIN_MS)
    return world.told.length > 1
  })
  expect(world.told).toEqual([id, id])
  await world.leave()
})

test('a reader that is slow holds ids up to a bound, and then looks at everything instead', async () => {
  const asked: number[] = []
  const changes = createJobChanges(database.pool)
  const owner = ownerId(newId())
  const clock = new ManualClock()
  const wakeups = createLocalWakeups()
  const ids = await Promise.all(
    [1, 2, 3].map(() => storeJob(database.pool, { ownerId: owner, at: clock.now() })),
  )
  const gone = new AbortController()
  const following = createFollowJobs({
    changes: {
      // Whosever they were: all these are the reader's.
      ownersOf: async (known) => known.map((id) => ({ id, ownerId: owner })),
      among(...args) {
        asked.push(args[2].length)
        return changes.among(...args)
      },
      since(...args) {
        asked.push(-1)
        return changes.since(...args)
      },
    },
    wakeups,
    clock,
  })({ ownerId: owner, filter: ALL_RUNS, signal: gone.signal })
  for (const _id of ids) await following.next()
  // Nobody asks for more while a hundred thousand jobs change.
  for (let n = 0; n < 100_000; n++) wakeups.news([newId<JobId>()])
  for (const id of ids) await change(id, clock.now())
  const told = [following.next(), following.next(), following.next()]
  await clock.advance(PAUSE_MS)
  await until('it has looked at everything', () => asked.length > 1)
  expect((await Promise.all(told)).map(({ value }) => value?.id)).toEqual(ids.toSorted())
  expect(asked).toEqual([-1, -1])
  // Within the bound, the ids themselves are looked at.
  wakeups.news(Array.from({ length: MAX_HINTS }, () => newId<JobId>()))
  const next = following.next()
  await clock.advance(PAUSE_MS)
  await until('it has looked at the hints', () => asked.length > 2)
  expect(asked.at(-1)).toBe(MAX_HINTS)
  gone.abort(new Error('gone'))
  expect(await next).toMatchObject({ done: true })
})

test('a hundred subscriptions of the same jobs share their first look and what is read of a burst of changes', async () => {
  const clock = new ManualClock()
  const owner = ownerId(newId())
  const wakeups = createLocalWakeups()
  const store = createJobChanges(database.pool)
  let looks = 0
  let reads = 0
  const follow = createFollowJobs({
    changes: {
      ...store,
      since: async (...args) => {
        const found = await store.since(...args)
        looks++
        return found
      },
      among: (...args) => {
        reads++
        return store.among(...args)
      },
    },
    wakeups,
    clock,
  })
  const gone = new AbortController()
  setMaxListeners(0, gone.signal)
  const told = Array.from({ length: 100 }, () => new Set<JobId>())
  const ended = told.map(async (ids) => {
    for await (const { id } of follow({ ownerId: owner, filter: ALL_RUNS, signal: gone.signal })) ids.add(id)
  })
  await until('all have looked', () => looks === 1)
  const jobs = await Promise.all(
    Array.from({ length: 20 }, () => storeJob(database.pool, { ownerId: owner })),
  )
  wakeups.news(jobs)
  await until('all are informed of all', async () => {
    await clock.advance(PAUSE_MS)
    return told.every(({ size }) => size === 20)
  })
  expect(reads).toBeLessThan(10)
  expect(looks).toBeLessThan(3)
  gone.abort(new Error('gone'))
  await Promise.all(ended)
})

test('an abort ends the following promptly, and nobody listens any more', async () => {
  const world = openWorld()
  await until('it listens', () => world.listeners() === 2)
  await world.leave()
  expect(world.listeners()).toBe(0)
})

interface Options {
  readonly clock?: ManualClock
  readonly owner?: OwnerId
  readonly filter?: RunFilter
  readonly listens?: Pick<Wakeups, 'onAnyNews' | 'onCommand'>
  readonly owners?: JobChanges['ownersOf']
  readonly reads?: Pick<JobChanges, 'among' | 'since'>
}

/** Somebody who follows; time stands still unless the test moves it. */
function openWorld({
  clock = new ManualClock(),
  owner = ownerId(newId()),
  filter = ALL_RUNS,
  listens,
  owners = createJobChanges(database.pool).ownersOf,
  reads: store = createJobChanges(database.pool),
}: Options = {}) {
  const wakeups = createLocalWakeups()
  const heard = listens ?? wakeups
  let listeners = 0
  let looks = 0
  const counted = (detach: () => void) => {
    listeners++
    return () => {
      listeners--
      detach()
    }
  }
  const counting =
    <Args extends unknown[], Answer>(look: (...args: Args) => Promise<Answer>) =>
    async (...args: Args) => {
      const answer = await look(...args)
      looks++
      return answer
    }
  const changes: JobChanges = {
    ownersOf: owners,
    among: counting(store.among),
    since: counting(store.since),
  }
  const gone = new AbortController()
  const follow = createFollowJobs({
    changes,
    wakeups: {
      onAnyNews: (listener) => counted(heard.onAnyNews(listener)),
      onCommand: (listener) => counted(heard.onCommand(listener)),
      onGap: (listener) => wakeups.onGap(listener),
    },
    clock,
  })
  const told: JobId[] = []
  const ended = (async () => {
    for await (const { id } of follow({ ownerId: owner, filter, signal: gone.signal })) told.push(id)
  })()
  return {
    clock,
    wakeups,
    told,
    looks: () => looks,
    listeners: () => listeners,
    store: (fields: Parameters<typeof storeJob>[1] = {}) =>
      storeJob(database.pool, { ownerId: owner, at: clock.now(), ...fields }),
    sees: async (ids: readonly JobId[]) => {
      await until(`${ids.length} changes are told`, async () => {
        if (told.length < ids.length) await clock.advance(PAUSE_MS)
        return told.length >= ids.length
      })
      expect([...told].toSorted()).toEqual([...ids].toSorted())
    },
    /** Moves time until two looks have told nothing more. */
    catchesUp: async (id: JobId) => {
      for (let quiet = 0; quiet < 2;) {
        const [before, looked] = [told.length, looks]
        wakeups.news([id])
        await until('it has looked', async () => {
          await clock.advance(PAUSE_MS)
          return looks > looked
        })
        quiet = told.length === before ? quiet + 1 : 0
      }
    },
    leave: async () => {
      gone.abort(new Error('gone'))
      await ended
    },
  }
}

/** One more event of a job, as a worker would write it. */
async function change(id: JobId, at = Date.now()): Promise<void> {
  const progress = event('JOB_PROGRESS', at, { message: null })
  await recordEntries(sendTo(database.pool), id, [{ events: [progress] }])
}
