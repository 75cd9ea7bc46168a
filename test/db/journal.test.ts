import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import type pg from 'pg'
import { openDatabase } from '../../src/db/connect.ts'
import { flushStatement } from '../../src/db/journal/flush-statement.ts'
import { createJournalStore } from '../../src/db/journal/journal-store.ts'
import { mergeEntries } from '../../src/db/journal/journal-write.ts'
import {
  Journal,
  NOTE_FLUSH_DELAY_MS,
  type ClaimedJournal,
  type JournalListener,
} from '../../src/db/journal/journal.ts'
import { ENTRY_MAX_LENGTH } from '../../src/db/log/entry.ts'
import { createLogStore } from '../../src/db/log/log-store.ts'
import type { PageStore } from '../../src/db/log/page-writer.ts'
import { event } from '../../src/engine/record/event.ts'
import {
  EntryRefusedError,
  FenceLostError,
  ParkRefusedError,
  type JobChange,
  type JournalEntry,
} from '../../src/engine/record/journal.ts'
import { systemClock, type Clock } from '../../src/lib/time/clock.ts'
import type { JobId } from '../../src/lib/ids.ts'
import { createTestDatabase, openPool, type TestDatabase } from '../support/database.ts'
import {
  jobRow,
  OWNER,
  steal,
  storeClaimedJob,
  timelineKinds,
  timelineMessages,
  sendCancel,
} from '../support/jobs.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { recordOf } from '../support/recorded.ts'
import { settledNote } from '../support/settled-note.ts'
import { completedStep } from '../support/step-records.ts'
import { startTcpProxy, type Cut } from '../support/tcp-proxy.ts'
import { until } from '../support/until.ts'
import { watchStore, type WatchedStore } from '../support/watched-store.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase()
})

afterAll(() => database.drop())

// Group commit (D2)

test('whatever many executions append at once is one statement', async () => {
  const { journal, store } = openJournal()
  const jobs = await openJobs(journal, 20)
  await Promise.all(jobs.flatMap(({ ledger }) => ['a', 'b', 'c'].map((text) => ledger.append(noted(text)))))
  expect(store.flushes.map((writes) => writes.length)).toEqual([20])
  for (const { id } of jobs) expect(await timelineMessages(database.pool, id)).toEqual(['a', 'b', 'c'])
})

test('one flush is in flight at a time; what comes meanwhile goes in the next', async () => {
  const { journal, store } = openJournal()
  const jobs = await openJobs(journal, 10)
  const gate = gated()
  store.before = (flush) => (flush === 1 ? gate.closed : undefined)
  const appends = [required(jobs[0]).ledger.append(noted('first'))]
  await until('the first flush is under way', () => store.flushes.length === 1)
  for (let turn = 0; turn < 5; turn++) {
    appends.push(...jobs.map(({ ledger }) => ledger.append(noted(`turn ${turn}`))))
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(store.flushes).toHaveLength(1)
  gate.open()
  await Promise.all(appends)
  expect(store.flushes.map((writes) => writes.length)).toEqual([1, 10])
  expect(store.mostAtOnce).toBe(1)
  expect(await timelineMessages(database.pool, jobs[0]?.id ?? '')).toEqual([
    'first',
    ...[0, 1, 2, 3, 4].map((turn) => `turn ${turn}`),
  ])
})

test('a flush is capped by its bytes; the rest goes next, and nobody waits forever', async () => {
  const { journal, store } = openJournal()
  const jobs = await openJobs(journal, 4)
  const large = noted('large', {
    end: { status: 'COMPLETED', at: 1, output: `"${'x'.repeat(3_500_000)}"` },
    progress: 100,
  })
  await Promise.all(jobs.map(({ ledger }, index) => ledger.append(index === 3 ? noted('small') : large)))
  expect(store.flushes.map((writes) => writes.length)).toEqual([3, 1])
  expect(store.flushes[0]?.map(({ jobId }) => jobId)).toContain(jobs[3]?.id)
})

test('an entry beyond the cap goes alone', async () => {
  const { journal, store } = openJournal()
  const [one, other] = await openJobs(journal, 2)
  const huge = noted('huge', {
    end: { status: 'COMPLETED', at: 1, output: `"${'x'.repeat(9_000_000)}"` },
    progress: 100,
  })
  await Promise.all([one?.ledger.append(huge), other?.ledger.append(noted('small'))])
  expect(store.flushes.map((writes) => writes.length)).toEqual([1, 1])
})

// Entries whose commit no caller awaits

test('an entry that no caller awaits triggers no flush: the next awaited one of its execution takes it along', async () => {
  const { journal, store } = openJournal({}, createJournalStore(database.pool), new ManualClock())
  const [job, other] = await openJobs(journal, 2)
  const { id, ledger } = required(job)
  const notes = [settledNote(ledger, noted('a')), settledNote(ledger, noted('b'))]
  await required(other).ledger.append(noted('of another execution'))
  expect(store.flushes.map((writes) => writes.map(({ jobId }) => jobId))).toEqual([[other?.id]])
  await Promise.all([...notes, ledger.append(noted('c'))])
  expect(store.flushes.map((writes) => writes.map(({ jobId }) => jobId))).toEqual([[other?.id], [id]])
  expect(await timelineMessages(database.pool, id)).toEqual(['a', 'b', 'c'])
})

test('an entry that no caller awaits is flushed after 2 ms of the injected clock', async () => {
  const clock = new ManualClock()
  const { journal, store } = openJournal({}, createJournalStore(database.pool), clock)
  const [job] = await openJobs(journal, 1)
  const { id, ledger } = required(job)
  const first = settledNote(ledger, noted('a'))
  await clock.advance(NOTE_FLUSH_DELAY_MS - 1)
  const second = settledNote(ledger, noted('b'))
  expect(store.flushes).toEqual([])
  await clock.advance(1)
  await Promise.all([first, second])
  expect(store.flushes).toHaveLength(1)
  expect(await timelineMessages(database.pool, id)).toEqual(['a', 'b'])
  expect(clock.nextDueAt).toBeNull()
})

test('entries of many executions that no caller awaits share one timer, and each is flushed after 2 ms', async () => {
  const clock = new ManualClock()
  let timers = 0
  const counting: Clock = {
    now: () => clock.now(),
    wait: (ms, signal) => clock.wait(ms, signal),
    after(ms, callback) {
      timers++
      return clock.after(ms, callback)
    },
  }
  const { journal, store } = openJournal({}, createJournalStore(database.pool), counting)
  const jobs = await openJobs(journal, 10)
  const early = jobs.slice(0, 9).map(({ ledger }) => settledNote(ledger, noted('a')))
  await clock.advance(1)
  const late = settledNote(required(jobs[9]).ledger, noted('a'))
  expect(timers).toBe(1)
  await clock.advance(1)
  await Promise.all(early)
  expect(store.flushes.map((writes) => writes.length)).toEqual([9])
  await clock.advance(1)
  await late
  expect(store.flushes.map((writes) => writes.length)).toEqual([9, 1])
  expect(timers).toBe(2)
})

test('an entry that no caller awaits is flushed although the clock was set back', async () => {
  const clock = new ManualClock()
  let backMs = 0
  const { journal, store } = openJournal({}, createJournalStore(database.pool), {
    now: () => clock.now() - backMs,
    wait: (ms, signal) => clock.wait(ms, signal),
    after: (ms, callback) => clock.after(ms, callback),
  })
  const [job] = await openJobs(journal, 1)
  const note = settledNote(required(job).ledger, noted('a'))
  backMs = 3_600_000
  await clock.advance(NOTE_FLUSH_DELAY_MS)
  await note
  expect(store.flushes).toHaveLength(1)
})

test('a caller that awaits what was noted hastens its flush, and a journal that is to be idle flushes all of it', async () => {
  const clock = new ManualClock()
  const { journal, store } = openJournal({}, createJournalStore(database.pool), clock)
  const jobs = await openJobs(journal, 3)
  const notes = jobs.map(({ ledger }) => settledNote(ledger, noted('a')))
  required(jobs[0]).ledger.hasten()
  await notes[0]
  expect(store.flushes.map((writes) => writes.length)).toEqual([1])
  await journal.idle()
  await Promise.all(notes)
  expect(store.flushes.map((writes) => writes.length)).toEqual([1, 2])
  expect(clock.nextDueAt).toBeNull()
  required(jobs[0]).ledger.hasten()
  expect(store.flushes).toHaveLength(2)
})

test('what was recorded behind an entry that fails fails with it, although it is not part of that flush', async () => {
  const { journal, store } = openJournal()
  const [job] = await openJobs(journal, 1)
  const { id, ledger } = required(job)
  const gate = gated()
  store.before = async (flush) => {
    if (flush > 1) return
    await gate.closed
    throw Object.assign(new Error('permission denied'), { code: '42501' })
  }
  const first = ledger.append(noted('first'))
  await until('the first flush is under way', () => store.flushes.length === 1)
  const behind = [settledNote(ledger, noted('noted')), ledger.append(noted('awaited'))]
  const outcomes = settle([first, ...behind])
  gate.open()
  expect(await outcomes).toEqual([Error, Error, Error])
  expect(store.flushes).toHaveLength(1)
  expect(await timelineMessages(database.pool, id)).toEqual([])
})

// Numbering (P4, D4)

test('events are numbered without a gap, in the order in which they were appended', async () => {
  const { journal } = openJournal()
  const [job] = await openJobs(journal, 1)
  const texts = Array.from({ length: 300 }, (_, index) => `note ${index}`)
  const appends: Promise<void>[] = []
  for (const [index, text] of texts.entries()) {
    appends.push(required(job).ledger.append(noted(text)))
    if (index % 7 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  await Promise.all(appends)
  expect(await timelineMessages(database.pool, required(job).id)).toEqual(texts)
})

test('subscribers hear of events only after their commit', async () => {
  const seen: number[] = []
  const { journal } = openJournal({
    onCommitted: ([write]) => {
      void jobRow(database.pool, write?.jobId ?? '').then(({ last_seq }) => seen.push(last_seq))
    },
  })
  const [job] = await openJobs(journal, 1)
  await required(job).ledger.append(noted('a'))
  await until('the news was looked at', () => seen.length === 1)
  expect(seen).toEqual([2])
})

// Fencing (P3, D3)

test('the holder of a job learns of a flush in one call, before the callers of its entries continue and before it is published', async () => {
  const order: string[] = []
  const { journal } = openJournal({ onCommitted: () => void order.push('published') })
  const claim = await storeClaimedJob(database.pool)
  const ledger = journal.open(claim, {
    onCommitted: ({ events }) => void order.push(`${events.length} events`),
    onGivenUp: () => void order.push('given up'),
  })
  const continues = (name: string) => () => void order.push(name)
  await Promise.all([
    settledNote(ledger, noted('a')).then(continues('first caller')),
    settledNote(ledger, noted('b')).then(continues('second caller')),
    ledger.append(ended()).then(continues('third caller')),
  ])
  expect(order).toEqual([
    '3 events',
    'given up',
    'published',
    'first caller',
    'second caller',
    'third caller',
  ])
})

test('a stale fence writes nothing at all, while the others of its group land', async () => {
  const { journal, store } = openJournal()
  const [stale, healthy] = await openJobs(journal, 2)
  const before = await everythingOf(required(stale).id)
  await steal(database.pool, required(stale).id)
  const outcomes = await settle([
    required(stale).ledger.append(everyKindOfRecord('late')),
    required(healthy).ledger.append(everyKindOfRecord('in time')),
  ])
  expect(outcomes).toEqual([FenceLostError, 'committed'])
  expect(store.flushes).toHaveLength(1)
  const { job, ...rows } = await everythingOf(required(stale).id)
  expect(rows).toEqual({ events: 1, steps: 0, values: 0, items: 0, output: null })
  expect(job).toEqual({ ...before.job, fence: '2', holder: job.holder, leased_until: job.leased_until })
  expect(await everythingOf(required(healthy).id)).toMatchObject({ events: 2, steps: 1, values: 1, items: 1 })
})

test('a writer that has learned of a stale fence sends nothing more', async () => {
  const { journal, store } = openJournal()
  const [job] = await openJobs(journal, 1)
  await steal(database.pool, required(job).id)
  await settle([required(job).ledger.append(noted('late'))])
  expect(await settle([required(job).ledger.append(noted('later'))])).toEqual([FenceLostError])
  expect(store.flushes).toHaveLength(1)
})

test('a writer that does not know the newest event writes nothing', async () => {
  const { journal } = openJournal()
  const claim = await storeClaimedJob(database.pool)
  const ledger = journal.open(claim)
  const twin = openJournal().journal.open(claim)
  await twin.append(noted('the twin’s'))
  expect(await settle([ledger.append(noted('mine'))])).toEqual([FenceLostError])
  expect(await timelineMessages(database.pool, claim.jobId)).toEqual(['the twin’s'])
})

test('two holders of one job in one process: in a common group only the newer writes', async () => {
  const { journal, store } = openJournal()
  const older = await storeClaimedJob(database.pool)
  const stale = journal.open(older)
  const fresh = journal.open(await steal(database.pool, older.jobId))
  const outcomes = await settle([
    stale.append(noted('late')),
    fresh.append({ events: [], job: { progress: 5, status: 'RUNNING' } }),
  ])
  expect(store.flushes).toHaveLength(1)
  expect(outcomes).toEqual([FenceLostError, 'committed'])
  await fresh.append(noted('fresh'))
  expect(await timelineMessages(database.pool, older.jobId)).toEqual(['fresh'])
})

// Bad rows (D2)

const BAD_ENTRIES: readonly (readonly [string, JournalEntry])[] = [
  ['a value that breaks a CHECK', { ...noted('bad'), job: { progress: 101 } }],
  ['a NUL character', { ...everyKindOfRecord('bad\u0000') }],
  [
    'a status that breaks the state machine',
    noted('bad', { end: { status: 'COMPLETED', at: 1, output: '1' }, park: { wakeAt: 1 } }),
  ],
  ['text that is no JSON', noted('bad', { end: { status: 'COMPLETED', at: 1, output: '{' }, progress: 100 })],
]

test.each(BAD_ENTRIES)('%s is refused alone; the rest of its group lands', async (_what, bad) => {
  const { journal, store } = openJournal()
  const jobs = await openJobs(journal, 5)
  const outcomes = await settle(
    jobs.map(({ ledger }, index) => ledger.append(index === 2 ? bad : noted(`good ${index}`))),
  )
  expect(outcomes).toEqual(['committed', 'committed', EntryRefusedError, 'committed', 'committed'])
  expect(store.flushes.map((writes) => writes.length)).toEqual([5, 1, 1, 1, 1, 1])
  expect(await timelineKinds(database.pool, jobs[2]?.id ?? '')).toEqual(['JOB_QUEUED'])
  expect(await timelineMessages(database.pool, jobs[4]?.id ?? '')).toEqual(['good 4'])
})

test('after a refusal the same execution can still say how it ends', async () => {
  const { journal } = openJournal()
  const [job] = await openJobs(journal, 1)
  const { id, ledger } = required(job)
  await settle([ledger.append({ ...noted('bad'), job: { progress: 101 } })])
  const error = { code: 'RECORD_REFUSED', message: 'why' }
  await ledger.append({
    events: [event('JOB_FAILED', 1, { error })],
    job: { progress: 5, end: { status: 'FAILED', at: 1, error } },
  })
  expect(await timelineKinds(database.pool, id)).toEqual(['JOB_QUEUED', 'JOB_FAILED'])
})

test('of the entries of one execution those before the refused one are committed, it and those behind it are not', async () => {
  const { journal, store } = openJournal()
  const [job, other] = await openJobs(journal, 2)
  const { id, ledger } = required(job)
  const outcomes = await settle([
    ...['a', 'b', 'c'].map((text) => settledNote(ledger, noted(text))),
    ledger.append({ ...noted('bad'), job: { progress: 101 } }),
    settledNote(ledger, noted('d')),
    required(other).ledger.append(noted('of another execution')),
  ])
  const refused = EntryRefusedError
  expect(outcomes).toEqual(['committed', 'committed', 'committed', refused, refused, 'committed'])
  expect(await timelineMessages(database.pool, id)).toEqual(['a', 'b', 'c'])
  const flushes = store.flushes.length
  expect(await settle([ledger.append(noted('behind the refused one'))])).toEqual([EntryRefusedError])
  expect(store.flushes).toHaveLength(flushes)
  await ledger.append(ended())
  expect(await timelineKinds(database.pool, id)).toContain('JOB_COMPLETED')
})

// Lost connections (D3)

test.each<[Cut, string]>([
  ['before', 'a flush that never reached the server is sent again'],
  ['after', 'a flush whose answer was lost is recognised, and not written twice'],
])('connection cut %s the commit: %s', async (cut) => {
  await withProxiedJournal(async ({ journal, store, cutOnce }) => {
    const jobs = await openJobs(journal, 3)
    await Promise.all(jobs.map(({ ledger }) => ledger.append(noted('one'))))
    const isCut = cutOnce('journal-flush', cut)
    const appends = jobs.map(({ ledger }) => ledger.append(noted('two')))
    await isCut
    await Promise.all(appends)
    await Promise.all(jobs.map(({ ledger }) => ledger.append(noted('three'))))
    for (const { id } of jobs)
      expect(await timelineMessages(database.pool, id)).toEqual(['one', 'two', 'three'])
    expect(store.flushes).toHaveLength(cut === 'after' ? 3 : 4)
  })
})

test('a flush that the server still works on when the connection breaks lands once', async () => {
  await withProxiedJournal(async ({ journal, cutOnce }) => {
    const [job] = await openJobs(journal, 1)
    const { id, ledger } = required(job)
    const blocker = await database.pool.connect()
    await blocker.query('BEGIN')
    await blocker.query('SELECT 1 FROM jobs WHERE id = $1 FOR UPDATE', [id])
    const isCut = cutOnce('journal-flush', 'during')
    const append = ledger.append(noted('once'))
    await isCut
    await until('both the lost flush and its repetition wait for the row', async () => {
      const { rows } = await database.pool.query<{ count: number }>(
        `SELECT count(*)::int AS count FROM pg_stat_activity
         WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      )
      return rows[0]?.count === 2
    })
    await blocker.query('COMMIT')
    blocker.release()
    await append
    await ledger.append(noted('twice'))
    expect(await timelineMessages(database.pool, id)).toEqual(['once', 'twice'])
  })
})

test('an end whose answer was lost is recognised', async () => {
  await withProxiedJournal(async ({ journal, cutOnce }) => {
    const [job] = await openJobs(journal, 1)
    const { id, ledger } = required(job)
    const isCut = cutOnce('journal-flush', 'after')
    const append = ledger.append(ended())
    await isCut
    await append
    expect(await timelineKinds(database.pool, id)).toEqual(['JOB_QUEUED', 'JOB_COMPLETED'])
  })
})

test('a park whose answer was lost is recognised, also one that tells nothing', async () => {
  await withProxiedJournal(async ({ journal, store, cutOnce }) => {
    const [job] = await openJobs(journal, 1)
    const { id, ledger } = required(job)
    const isCut = cutOnce('journal-flush', 'after')
    const append = settle([
      ledger.append({ events: [], job: { progress: 5, status: 'WAITING', park: { wakeAt: 1 } } }),
    ])
    await isCut
    expect(await append).toEqual(['committed'])
    expect(store.flushes).toHaveLength(1)
    expect(await jobRow(database.pool, id)).toMatchObject({ status: 'WAITING', holder: null })
  })
})

test('a lost connection and a lost lease together: the writer learns that it is stale', async () => {
  await withProxiedJournal(async ({ journal, store, cutOnce }) => {
    const [job] = await openJobs(journal, 1)
    const { id, ledger } = required(job)
    store.before = async (flush) => {
      if (flush === 1) await steal(database.pool, id)
    }
    const isCut = cutOnce('journal-flush', 'before')
    const append = settle([ledger.append(noted('late'))])
    await isCut
    expect(await append).toEqual([FenceLostError])
    expect(await timelineMessages(database.pool, id)).toEqual([])
  })
})

test('a server that stays away does not keep a process from stopping', async () => {
  const proxy = await startTcpProxy(database.url)
  const pool = openPool(proxy.url)
  const { journal } = openJournal({}, createJournalStore(pool))
  const [job] = await openJobs(journal, 1)
  proxy.sever()
  const append = settle([required(job).ledger.append(noted('unheard'))])
  journal.stopRetrying()
  await journal.idle()
  expect(await append).toEqual([Error])
  await pool.end()
  await proxy.close()
})

// Deadlocks and serialization failures

test.each(['40P01', '40001'])('a flush that fails with %s is sent again, as it was', async (code) => {
  const waits: number[] = []
  const { journal, store, warn } = openJournal({}, createJournalStore(database.pool), {
    ...systemClock,
    wait: async (ms) => void waits.push(ms),
  })
  const jobs = await openJobs(journal, 3)
  store.before = (flush) => {
    if (flush <= 3) throw Object.assign(new Error('injected'), { code })
  }
  await Promise.all(jobs.map(({ ledger }) => ledger.append(noted('once'))))
  expect(store.flushes).toHaveLength(4)
  expect(warn).not.toHaveBeenCalled()
  for (const { id } of jobs) expect(await timelineMessages(database.pool, id)).toEqual(['once'])
})

test('a real deadlock with another session costs nobody an entry', async () => {
  await withJournalPools(1, async ([pool]) => {
    const { journal, store } = openJournal({}, createJournalStore(required(pool)))
    const jobs = await openJobs(journal, 2)
    const ids = jobs.map(({ id }) => id).sort()
    const rival = await database.pool.connect()
    await rival.query(`BEGIN; SET LOCAL deadlock_timeout = '1min'`)
    // The rival takes the locks the other way round.
    await rival.query('SELECT 1 FROM jobs WHERE id = $1 FOR UPDATE', [ids[1]])
    const appends = Promise.all(jobs.map(({ ledger }) => ledger.append(noted('once'))))
    await until('the flush waits for the rival', () => lockWaiters(1))
    await rival.query('SELECT 1 FROM jobs WHERE id = $1 FOR UPDATE', [ids[0]])
    await rival.query('COMMIT')
    rival.release()
    await appends
    // More than once where the flush, sent again, is quicker than the rival to take the first lock.
    expect(store.flushes.length).toBeGreaterThan(1)
    for (const { id } of jobs) expect(await timelineMessages(database.pool, id)).toEqual(['once'])
  })
})

test('two flushes over the same jobs, appended in opposite orders, lock them in one order and never deadlock', async () => {
  const claims = await Promise.all([storeClaimedJob(database.pool), storeClaimedJob(database.pool)])
  const [low, high] = claims.toSorted((a, b) => (a.jobId < b.jobId ? -1 : 1))
  const rival = await database.pool.connect()
  await rival.query('BEGIN')
  await rival.query('SELECT 1 FROM jobs WHERE id = $1 FOR UPDATE', [low?.jobId])
  await withJournalPools(2, async (pools) => {
    const opened = pools.map((pool) => openJournal({}, createJournalStore(pool)))
    const orders = [claims, claims.toReversed()]
    const flushes = opened.map(({ journal }, index) =>
      settle((orders[index] ?? []).map((claim) => journal.open(claim).append(noted('once')))),
    )
    await until('both flushes wait for the first job', () => lockWaiters(2))
    // Neither flush holds the second job meanwhile.
    await rival.query('SELECT 1 FROM jobs WHERE id = $1 FOR UPDATE NOWAIT', [high?.jobId])
    await rival.query('COMMIT')
    rival.release()
    const outcomes = await Promise.all(flushes)
    expect(outcomes).toContainEqual(['committed', 'committed'])
    expect(outcomes).toContainEqual([FenceLostError, FenceLostError])
    for (const { store, warn } of opened) {
      expect(store.flushes).toHaveLength(1)
      expect(warn).not.toHaveBeenCalled()
    }
  })
})

test('the generic plan of a flush reaches jobs by their key in the order in which they are sent, whatever the statistics', async () => {
  const claims = await Promise.all(Array.from({ length: 2 }, () => storeClaimedJob(database.pool)))
  const flush = flushStatement(
    claims.map((claim) =>
      mergeEntries([everyKindOfRecord('a'), ended()], { ...claim, commandsSeen: 1, now: 1 }),
    ),
  )
  await withJournalPools(1, async ([pool]) => {
    const guardPlan = async () => {
      const { rows } = await required(pool).query<{ 'QUERY PLAN': readonly { Plan: PlanNode }[] }>(
        `EXPLAIN (GENERIC_PLAN, FORMAT JSON) ${flush.text}`,
      )
      const guard = required(rows[0])['QUERY PLAN'][0]?.Plan.Plans?.find(
        (node) => node['Subplan Name'] === 'CTE guard',
      )
      const join = guard?.Plans?.[0]
      return [join, ...(join?.Plans ?? [])].map((node) => node?.['Index Name'] ?? node?.['Node Type'])
    }
    // The last one is the look-up of a parent, which only the end of a child needs.
    const byKey = ['Nested Loop', 'Function Scan', 'jobs_pkey', 'jobs_pkey']
    await database.pool.query(`DELETE FROM pg_statistic WHERE starelid = 'jobs'::regclass`)
    expect(await guardPlan()).toEqual(byKey)
    await database.pool.query('ANALYZE jobs')
    expect(await guardPlan()).toEqual(byKey)
    // Many jobs, few of them held.
    await database.pool.query(
      `INSERT INTO jobs (id, owner_id, type, status) SELECT gen_random_uuid(), 'many', 'WORKFLOW', 'CREATED'
       FROM generate_series(1, 3000)`,
    )
    await database.pool.query('ANALYZE jobs')
    expect(await guardPlan()).toEqual(byKey)
  })
})

test('an error of the database that is due to no data and does not pass is reported to every writer', async () => {
  const { journal, store } = openJournal()
  const jobs = await openJobs(journal, 2)
  const fault = Object.assign(new Error('permission denied for table jobs'), { code: '42501' })
  store.before = (flush) => {
    if (flush === 1) throw fault
  }
  const appends = await Promise.allSettled(jobs.map(({ ledger }) => ledger.append(noted('never'))))
  expect(appends.map((append) => append.status === 'rejected' && append.reason === fault)).toEqual([
    true,
    true,
  ])
  await Promise.all(jobs.map(({ ledger }) => ledger.append(noted('afterwards'))))
  for (const { id } of jobs) expect(await timelineMessages(database.pool, id)).toEqual(['afterwards'])
})

// Parking and ending (D8)

test('a park gives up the lease until an instant', async () => {
  const { journal } = openJournal()
  const [job] = await openJobs(journal, 1)
  await required(job).ledger.append(parked(5_000_000_000_000))
  expect(await jobRow(database.pool, required(job).id)).toMatchObject({
    status: 'WAITING',
    holder: null,
    leased_until: null,
    wake_at: new Date(5_000_000_000_000),
  })
})

test('a park is refused while a command is unread, and the job keeps its holder', async () => {
  const onUnreadCommands = jest.fn<(jobId: JobId) => void>()
  const { journal } = openJournal({ onUnreadCommands })
  const [job] = await openJobs(journal, 1)
  const { id, ledger } = required(job)
  await ledger.append({ events: [], job: { progress: 5, status: 'RUNNING' } })
  const { holder } = await jobRow(database.pool, id)
  await sendCancel(database.pool, OWNER, id)
  expect(await settle([ledger.append(parked(1))])).toEqual([ParkRefusedError])
  expect(onUnreadCommands).toHaveBeenCalledWith(id)
  expect(await jobRow(database.pool, id)).toMatchObject({ status: 'RUNNING', holder, wake_at: null })
  ledger.commandsRead(1)
  await ledger.append(parked(1))
  expect(await jobRow(database.pool, id)).toMatchObject({ status: 'WAITING', holder: null })
  expect(await timelineKinds(database.pool, id)).toEqual(['JOB_QUEUED', 'JOB_WAITING'])
})

test('what was noted before a park that is refused is committed', async () => {
  const { journal } = openJournal()
  const [job] = await openJobs(journal, 1)
  const { id, ledger } = required(job)
  await sendCancel(database.pool, OWNER, id)
  const outcomes = await settle([settledNote(ledger, noted('before')), ledger.append(parked(1))])
  expect(outcomes).toEqual(['committed', ParkRefusedError])
  expect(await timelineMessages(database.pool, id)).toEqual(['before'])
})

test('a park is refused when a command is read after it was decided: that command may end the wait', async () => {
  const { journal, store } = openJournal()
  const [job, other] = await openJobs(journal, 2)
  const { id, ledger } = required(job)
  const gate = gated()
  store.before = (flush) => (flush === 1 ? gate.closed : undefined)
  const first = required(other).ledger.append(noted('in the way'))
  await until('a flush is under way', () => store.flushes.length === 1)
  const park = settle([ledger.append(parked(5_000_000_000_000))])
  await sendCancel(database.pool, OWNER, id)
  ledger.commandsRead(1)
  gate.open()
  await first
  expect(await park).toEqual([ParkRefusedError])
  expect((await jobRow(database.pool, id)).holder).not.toBeNull()
  await ledger.append(parked(1))
  expect((await jobRow(database.pool, id)).holder).toBeNull()
})

test('a job that nobody holds any more is not parked by who held it: the lease is lost', async () => {
  const { journal } = openJournal()
  const [job] = await openJobs(journal, 1)
  const { id, ledger } = required(job)
  await database.pool.query('UPDATE jobs SET holder = NULL, leased_until = NULL WHERE id = $1', [id])
  expect(await settle([ledger.append(parked(1))])).toEqual([FenceLostError])
})

test('a command sent in the very moment of a park: either the park is refused or the job is woken', async () => {
  for (let round = 0; round < 30; round++) {
    const { journal } = openJournal()
    const [job] = await openJobs(journal, 1)
    const { id, ledger } = required(job)
    const [outcomes] = await Promise.all([
      settle([ledger.append(parked(5_000_000_000_000))]),
      sendCancel(database.pool, OWNER, id),
    ])
    const { holder, wake_at } = await jobRow(database.pool, id)
    if (outcomes[0] === 'committed') expect(required(wake_at).getTime()).toBeLessThan(5_000_000_000_000)
    else expect(holder).not.toBeNull()
  }
})

test('what comes behind a park in the same flush takes it back: the job was not idle', async () => {
  const { journal } = openJournal()
  const [job] = await openJobs(journal, 1)
  const { id, ledger } = required(job)
  await Promise.all([ledger.append(parked(1)), ledger.append(noted('busy', { status: 'RUNNING' }))])
  expect(await jobRow(database.pool, id)).toMatchObject({ status: 'RUNNING', wake_at: null })
  expect((await jobRow(database.pool, id)).holder).not.toBeNull()
})

test('a job that was given up takes no more writes of its former holder', async () => {
  const { journal } = openJournal()
  const [waiting, over] = await openJobs(journal, 2)
  await Promise.all([required(waiting).ledger.append(parked(7)), required(over).ledger.append(ended())])
  const outcomes = await settle([
    required(waiting).ledger.append(noted('late')),
    required(over).ledger.append(noted('late')),
  ])
  expect(outcomes).toEqual([FenceLostError, FenceLostError])
  expect(await jobRow(database.pool, required(waiting).id)).toMatchObject({ wake_at: new Date(7) })
  expect(await timelineKinds(database.pool, required(over).id)).toEqual(['JOB_QUEUED', 'JOB_COMPLETED'])
})

test('an end gives up the lease and wants nobody', async () => {
  const { journal } = openJournal()
  const [job] = await openJobs(journal, 1)
  await required(job).ledger.append(ended())
  const { job: row, output } = await everythingOf(required(job).id)
  expect(row).toMatchObject({
    status: 'COMPLETED',
    holder: null,
    leased_until: null,
    wake_at: null,
    progress: 100,
  })
  expect(row.finished_at).not.toBeNull()
  expect(output).toEqual({ done: true })
})

test('commands that came while a job runs are pointed out at the next flush', async () => {
  const onUnreadCommands = jest.fn<(jobId: JobId) => void>()
  const { journal } = openJournal({ onUnreadCommands })
  const [job] = await openJobs(journal, 1)
  const { id, ledger } = required(job)
  await sendCancel(database.pool, OWNER, id)
  await ledger.append(noted('a'))
  expect(onUnreadCommands.mock.calls).toEqual([[id]])
  ledger.commandsRead(1)
  await ledger.append(noted('b'))
  expect(onUnreadCommands).toHaveBeenCalledTimes(1)
})

test('progress never falls, and a step’s end clears the count of recoveries', async () => {
  const { journal } = openJournal()
  const [job] = await openJobs(journal, 1)
  const { id, ledger } = required(job)
  await database.pool.query('UPDATE jobs SET recoveries = 4 WHERE id = $1', [id])
  await ledger.append(noted('a', { progress: 40 }))
  await ledger.append(noted('b', { progress: 20 }))
  expect(await jobRow(database.pool, id)).toMatchObject({ progress: 40, recoveries: 4 })
  await ledger.append(noted('c', { endsStep: true }))
  expect(await jobRow(database.pool, id)).toMatchObject({ progress: 40, recoveries: 0 })
})

// The log

test('a flush is one statement, which writes one log entry for each of its jobs, and values above 2 KiB beside it', async () => {
  const { journal, store } = openJournal()
  const jobs = await openJobs(journal, 3)
  const long = JSON.stringify('x'.repeat(3_000))
  const entry = { ...everyKindOfRecord('a'), values: [{ path: 'a', config: '{}', output: long }] }
  await Promise.all(jobs.flatMap(({ ledger }) => [settledNote(ledger, noted('a')), ledger.append(entry)]))
  expect(store.flushes).toHaveLength(1)
  for (const { id } of jobs) expect(await rowsOf(id)).toMatchObject({ job_log: 1, job_values: 1 })
})

test('entries without events are numbered, too, so that a lost answer to one is recognised', async () => {
  await withProxiedJournal(async ({ journal, store, cutOnce }) => {
    const [job] = await openJobs(journal, 1)
    const { id, ledger } = required(job)
    const isCut = cutOnce('journal-flush', 'after')
    const append = ledger.append({ events: [], job: { progress: 7 } })
    await isCut
    await append
    expect(store.flushes).toHaveLength(1)
    await ledger.append(noted('a'))
    expect(await rowsOf(id)).toMatchObject({ job_log: 2 })
  })
})

test('records of one job that no caller waits for are flushed 2,000 at a time', async () => {
  const { journal, store } = openJournal()
  const [job, other] = await openJobs(journal, 2)
  const checkpoint = (n: number): JournalEntry => ({
    events: [],
    checkpoints: [{ path: 'a', order: [0], key: `key ${n}`, value: 'null' }],
    job: { progress: 5 },
  })
  const appends = Array.from({ length: 5_000 }, (_, n) => required(job).ledger.append(checkpoint(n)))
  await Promise.all([...appends, required(other).ledger.append(noted('beside'))])
  const counts = store.flushes.map((writes) => writes.map(({ entry }) => entry.changeCount))
  expect(counts).toEqual([[2_000, 0], [2_000], [1_000]])
  expect((await recordOf(database.pool, required(job).id)).checkpoints).toHaveLength(5_000)
})

test('a log entry that would be longer than 256 KiB is divided between flushes', async () => {
  const { journal, store } = openJournal()
  const [job] = await openJobs(journal, 1)
  const { id, ledger } = required(job)
  const failed = (path: string): JournalEntry => ({
    events: [],
    steps: [{ ...completedStep(path), error: { code: 'LONG', message: 'x'.repeat(100_000) } }],
    job: { progress: 5 },
  })
  await Promise.all(['a', 'b', 'c', 'd', 'e'].map((path) => ledger.append(failed(path))))
  const lengths = store.flushes.flat().map(({ entry }) => entry.changes?.length ?? 0)
  expect(lengths.length).toBeGreaterThan(1)
  expect(Math.max(...lengths)).toBeLessThanOrEqual(ENTRY_MAX_LENGTH)
  expect(await rowsOf(id)).toMatchObject({ job_log: lengths.length })
  expect((await recordOf(database.pool, id)).steps).toHaveLength(5)
})

test('an entry that the log cannot hold is refused alone; the rest of its group lands', async () => {
  const { journal } = openJournal()
  const jobs = await openJobs(journal, 3)
  const bad: JournalEntry = { ...noted('bad'), values: [{ path: 'no step', config: '{}', output: null }] }
  const outcomes = await settle(
    jobs.flatMap(({ ledger }, index) => [
      ledger.append(noted('good')),
      ledger.append(index === 1 ? bad : noted('better')),
    ]),
  )
  const landed = 'committed'
  expect(outcomes).toEqual([landed, landed, landed, EntryRefusedError, landed, landed])
  expect(await timelineMessages(database.pool, required(jobs[1]).id)).toEqual(['good'])
})

// Pages

test('changes beyond 1,024 are merged into pages beside the flushes, from the memory of a holder that has written all of them', async () => {
  const pages = watchPages()
  const { journal } = openJournal({}, createJournalStore(database.pool), undefined, pages)
  const [job] = await openJobs(journal, 1)
  const { id, ledger } = required(job)
  for (let first = 0; first < 1_000; first += 100) await ledger.append(stepsFrom(first))
  await journal.idle()
  expect(await pagedOf(id)).toEqual({ pagedNo: 0, pages: 0 })
  await ledger.append(stepsFrom(1_000))
  await journal.idle()
  expect(await pagedOf(id)).toEqual({ pagedNo: 11, pages: 9 })
  expect(pages.reads).toEqual([])
  for (let first = 0; first < 1_100; first += 100) await ledger.append(stepsFrom(first))
  await journal.idle()
  expect(await pagedOf(id)).toEqual({ pagedNo: 22, pages: 9 })
  expect(pages.reads).toEqual([])
})

test('more than 256 KiB of changes are merged into pages, however few they are', async () => {
  const { journal } = openJournal()
  const [job] = await openJobs(journal, 1)
  const { id, ledger } = required(job)
  const error = { code: 'LONG', message: 'x'.repeat(100_000) }
  for (const path of ['a', 'b', 'c'])
    await ledger.append({ events: [], steps: [{ ...completedStep(path), error }], job: { progress: 5 } })
  await journal.idle()
  expect(await pagedOf(id)).toEqual({ pagedNo: 3, pages: 1 })
})

test('a worker that takes up a job reads the changes of earlier holders once, and merges them with its own', async () => {
  const { journal } = openJournal({}, createJournalStore(database.pool), undefined, watchPages())
  const [job] = await openJobs(journal, 1)
  const { id, ledger } = required(job)
  for (let first = 0; first < 900; first += 100) await ledger.append(stepsFrom(first))
  const pages = watchPages()
  const second = openJournal({}, createJournalStore(database.pool), undefined, pages)
  const next = second.journal.open(await steal(database.pool, id))
  for (let first = 900; first < 1_300; first += 100) await next.append(stepsFrom(first))
  await second.journal.idle()
  expect(pages.reads).toEqual([id])
  expect((await pagedOf(id)).pagedNo).toBeGreaterThanOrEqual(11)
})

test('a job with more than 4,096 changes behind its pages is held back until pages are written; other jobs are not', async () => {
  const pages = watchPages()
  const gate = gated()
  pages.before = () => gate.closed
  const { journal, store } = openJournal({}, createJournalStore(database.pool), undefined, pages)
  const [job, other] = await openJobs(journal, 2)
  const { id, ledger } = required(job)
  for (let first = 0; first < 4_200; first += 600) await ledger.append(stepsFrom(first, 600))
  const flushes = store.flushes.length
  const held = ledger.append(noted('held back'))
  await required(other).ledger.append(noted('of another job'))
  await required(other).ledger.append(noted('of another job again'))
  expect(store.flushes.slice(flushes).map((writes) => writes.map(({ jobId }) => jobId))).toEqual([
    [other?.id],
    [other?.id],
  ])
  gate.open()
  await held
  await journal.idle()
  expect(await timelineMessages(database.pool, id)).toEqual(['held back'])
  expect((await pagedOf(id)).pagedNo).toBeGreaterThan(1)
})

test('a job whose pages cannot be written is not held up by that', async () => {
  const pages = watchPages()
  pages.before = () => {
    throw new Error('injected')
  }
  const { journal, warn } = openJournal({}, createJournalStore(database.pool), undefined, pages)
  const [job] = await openJobs(journal, 1)
  const { id, ledger } = required(job)
  for (let first = 0; first < 6_000; first += 600) await ledger.append(stepsFrom(first, 600))
  await ledger.append(ended())
  await journal.idle()
  expect(await timelineKinds(database.pool, id)).toEqual(['JOB_QUEUED', 'JOB_COMPLETED'])
  expect(warn).toHaveBeenCalledTimes(1)
  expect(await pagedOf(id)).toEqual({ pagedNo: 0, pages: 0 })
})

// Deletion

test('the deletion of a job deletes all of its records, and those of no other job', async () => {
  const { journal } = openJournal()
  const [gone, kept] = await openJobs(journal, 2)
  const entry = {
    ...everyKindOfRecord('a'),
    values: [{ path: 'a', config: '{}', output: JSON.stringify('x'.repeat(3_000)) }],
    checkpoints: [{ path: 'a', order: [0], key: 'k', value: '1' }],
  }
  // The page below stands for this entry, which changes no step.
  await Promise.all(
    [gone, kept].map((job) => required(job).ledger.append({ events: [], job: { progress: 5 } })),
  )
  await Promise.all([required(gone).ledger.append(entry), required(kept).ledger.append(entry)])
  await sendCancel(database.pool, OWNER, required(gone).id)
  await database.pool.query(
    `INSERT INTO execution_values (execution_id, owner_id, input) SELECT id, owner_id, '1' FROM executions`,
  )
  const page = { low: '', steps: 0, open: 0, top: 0, ended: [], body: '{"s":[],"i":[],"k":[]}', waits: '[]' }
  for (const job of [gone, kept]) {
    const key = { id: required(job).id, ownerId: OWNER }
    await createLogStore(database.pool).storePages(key, { from: 0, to: 1, pages: [page] })
  }
  const before = await rowsOf(required(kept).id)
  expect(Object.keys(before)).toEqual(
    expect.arrayContaining(['execution_values', 'executions', 'job_log', 'job_pages', 'job_values', 'jobs']),
  )
  await database.pool.query('DELETE FROM jobs WHERE id = $1', [required(gone).id])
  expect(await rowsOf(required(gone).id)).toEqual({})
  expect(await rowsOf(required(kept).id)).toEqual(before)
})

test('the deletion of a job deletes the records of a flush that is under way', async () => {
  const { journal } = openJournal()
  const [job] = await openJobs(journal, 1)
  const { id, ledger } = required(job)
  const blocker = await database.pool.connect()
  await blocker.query('BEGIN')
  await blocker.query('SELECT 1 FROM jobs WHERE id = $1 FOR UPDATE', [id])
  const append = ledger.append(everyKindOfRecord('a'))
  await until('the flush waits for the job', () => lockWaiters(1))
  const deletion = database.pool.query('DELETE FROM jobs WHERE id = $1', [id])
  await until('the deletion waits behind it', () => lockWaiters(2))
  await blocker.query('COMMIT')
  blocker.release()
  await append
  await deletion
  expect(await rowsOf(id)).toEqual({})
  expect(await settle([ledger.append(everyKindOfRecord('b'))])).toEqual([FenceLostError])
  expect(await rowsOf(id)).toEqual({})
})

interface OpenedJob {
  readonly id: JobId
  readonly ledger: ClaimedJournal
}

interface OpenedJournal {
  readonly journal: Journal
  readonly store: WatchedStore
  readonly warn: jest.Mock
}

function openJournal(
  listener: JournalListener = {},
  inner = createJournalStore(database.pool),
  clock: Pick<Clock, 'after' | 'now' | 'wait'> = { ...systemClock, wait: async () => undefined },
  pages: PageStore = createLogStore(database.pool),
): OpenedJournal {
  const store = watchStore(inner)
  const warn = jest.fn()
  return { store, warn, journal: new Journal({ store, pages, clock, logger: { warn }, listener }) }
}

async function openJobs(journal: Journal, count: number): Promise<readonly OpenedJob[]> {
  const claims = await Promise.all(Array.from({ length: count }, () => storeClaimedJob(database.pool)))
  return claims.map((claim) => ({ id: claim.jobId, ledger: journal.open(claim) }))
}

async function withProxiedJournal(
  use: (opened: OpenedJournal & { cutOnce: (text: string, cut: Cut) => Promise<void> }) => Promise<void>,
): Promise<void> {
  const proxy = await startTcpProxy(database.url)
  const pool = openPool(proxy.url)
  try {
    await use({ ...openJournal({}, createJournalStore(pool)), cutOnce: proxy.cutOnce })
  } finally {
    await pool.end()
    await proxy.close()
  }
}

/** Opens the connections that journals of as many processes have. */
async function withJournalPools(
  count: number,
  use: (pools: readonly pg.Pool[]) => Promise<void>,
): Promise<void> {
  const logger = { info: () => undefined, warn: () => undefined }
  const options = { databaseUrl: database.url, dataDir: '', logger }
  const opened = await Promise.all(Array.from({ length: count }, () => openDatabase(options)))
  try {
    await use(opened.map(({ journalPool }) => journalPool))
  } finally {
    await Promise.all(opened.map((each) => each.close()))
  }
}

/** What is read of a node of a plan. */
interface PlanNode {
  readonly 'Node Type': string
  readonly 'Index Name'?: string
  readonly 'Subplan Name'?: string
  readonly Plans?: readonly PlanNode[]
}

function noted(message: string, change: Partial<JobChange> = {}): JournalEntry {
  return { events: [event('JOB_PROGRESS', 1, { message })], job: { progress: 5, ...change } }
}

function parked(wakeAt: number): JournalEntry {
  return {
    events: [event('JOB_WAITING', 1, { until: null })],
    job: { progress: 5, status: 'WAITING', park: { wakeAt } },
  }
}

function ended(): JournalEntry {
  return {
    events: [event('JOB_COMPLETED', 1, {})],
    job: { progress: 100, end: { status: 'COMPLETED', at: 1, output: '{"done":true}' } },
  }
}

/** An entry that touches every table: an event, a step, its values, a loop's item. */
function everyKindOfRecord(path: string): JournalEntry {
  return {
    events: [event('JOB_PROGRESS', 1, { message: path })],
    steps: [completedStep(path)],
    values: [{ path, config: '{}', output: '1' }],
    items: [
      {
        path,
        order: [0, 0],
        index: 0,
        status: 'COMPLETED',
        output: '1',
        error: null,
        reusedFrom: null,
        finishedAt: 2,
      },
    ],
    job: { progress: 50, status: 'RUNNING', startedAt: 1, currentStep: path, endsStep: true },
  }
}

/** An entry with the ends of steps in items of a loop. */
function stepsFrom(first: number, count = 100): JournalEntry {
  const steps = Array.from({ length: count }, (_, place) => {
    const path = `loop[${first + place}]/a`
    return { ...completedStep(path), nodeId: 'a', order: [0, first + place, 0] }
  })
  return { events: [], steps, job: { progress: 5, endsStep: true } }
}

interface WatchedPages extends PageStore {
  /** The jobs whose log was read. */
  readonly reads: JobId[]
  /** Called before pages are stored. */
  before: () => Promise<void> | void
}

function watchPages(): WatchedPages {
  const inner = createLogStore(database.pool)
  const watched: WatchedPages = {
    ...inner,
    reads: [],
    before: () => undefined,
    async tails(jobs) {
      watched.reads.push(...jobs.map(({ id }) => id))
      return inner.tails(jobs)
    },
    async storePages(job, merged) {
      await watched.before()
      return inner.storePages(job, merged)
    },
  }
  return watched
}

async function pagedOf(id: JobId): Promise<{ readonly pagedNo: number; readonly pages: number }> {
  const { rows } = await database.pool.query<{ pagedNo: number; pages: number }>(
    `SELECT paged_no AS "pagedNo", (SELECT count(*)::int FROM job_pages WHERE job_id = $1) AS pages FROM jobs WHERE id = $1`,
    [id],
  )
  return required(rows[0])
}

async function everythingOf(id: JobId) {
  const { events, steps, items, output = null } = await recordOf(database.pool, id)
  return {
    job: await jobRow(database.pool, id),
    events: events.length,
    steps: steps.length,
    values: steps.filter(({ config }) => config !== undefined).length,
    items: items.length,
    output,
  }
}

/** How many rows each table holds of a job, found by the names of columns; tables without one are left out. */
async function rowsOf(id: JobId): Promise<Readonly<Record<string, number>>> {
  const { rows: columns } = await database.pool.query<{ table: string; column: string }>(
    `SELECT table_name AS table, column_name AS column FROM information_schema.columns
     WHERE table_schema = 'public' AND (column_name IN ('job_id', 'execution_id')
       OR (column_name = 'id' AND table_name IN ('jobs', 'executions')))`,
  )
  const counts = columns.map(
    ({ table, column }) =>
      `SELECT '${table}' AS table, count(*)::int AS count FROM ${table} WHERE ${column} = '${id}'`,
  )
  const { rows } = await database.pool.query<{ table: string; count: number }>(counts.join(' UNION ALL '))
  return Object.fromEntries(rows.filter(({ count }) => count > 0).map(({ table, count }) => [table, count]))
}

async function lockWaiters(count: number): Promise<boolean> {
  const { rows } = await database.pool.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM pg_stat_activity
     WHERE datname = current_database() AND wait_event_type = 'Lock'`,
  )
  return rows[0]?.count === count
}

/** What became of each append: `committed`, or the class of its error. */
async function settle(appends: readonly Promise<void>[]): Promise<readonly unknown[]> {
  const settled = await Promise.allSettled(appends)
  return settled.map((append) =>
    append.status === 'fulfilled' ? 'committed' : ((append.reason as object).constructor as unknown),
  )
}

function gated(): { readonly closed: Promise<void>; readonly open: () => void } {
  let open = () => {}
  const closed = new Promise<void>((resolve) => (open = resolve))
  return { closed, open }
}

function required<T>(value: T | null | undefined): T {
  if (value === null || value === undefined) throw new Error('the test expected a value here')
  return value
}
