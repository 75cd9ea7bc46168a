import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals'
import pg from 'pg'
import { ANSWER_MS, HELLO_MS, PEER_MS } from '../../src/db/peers.ts'
import { createPostgresWakeups, type Wakeups } from '../../src/db/wakeups.ts'
import { systemClock, type Clock } from '../../src/lib/time/clock.ts'
import { newId, type JobId } from '../../src/lib/ids.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { OWNER } from '../support/jobs.ts'
import { until } from '../support/until.ts'

let database: TestDatabase
const opened: Wakeups[] = []

beforeAll(async () => {
  database = await createTestDatabase()
})

afterEach(async () => {
  for (const wakeups of opened.splice(0)) await wakeups.close()
  expect(await listeners()).toEqual([])
})

afterAll(() => database.drop())

test('hints reach the other processes, and each of them once', async () => {
  const [mine, other] = await openTwo()
  const [heardHere, heardThere] = [listenTo(mine), listenTo(other)]
  const id = newId<JobId>()
  mine.news([id])
  mine.command(id)
  mine.queued(null)
  await until('all three have arrived', () => heardThere.length === 3)
  expect([...heardThere].sort()).toEqual([`command ${id}`, `news ${id}`, 'queued'])
  // What has arrived there has come back here, too, and was known already.
  expect([...heardHere].sort()).toEqual([...heardThere].sort())
})

test('the hint of a queued job names its owner, here and in the other processes', async () => {
  const [mine, other] = await openTwo()
  const heard: (string | null)[] = []
  for (const wakeups of [mine, other]) wakeups.onQueued((owner) => heard.push(owner))
  mine.queued(OWNER)
  await until('both have heard it', () => heard.length === 2)
  expect(heard).toEqual([OWNER, OWNER])
})

test('the news of many jobs at once arrive, however long their list', async () => {
  const [mine, other] = await openTwo()
  const heard = listenTo(other)
  const ids = Array.from({ length: 1_000 }, () => newId<JobId>())
  mine.news(ids)
  await until('all have arrived', () => heard.length === ids.length)
  expect([...heard].sort()).toEqual(ids.map((id) => `news ${id}`).sort())
})

test('what a journal has committed is news for lists and for other processes, and not for its own timelines', async () => {
  const [mine, other] = await openTwo()
  const [committed, changed] = [newId<JobId>(), newId<JobId>()]
  const listed = listenTo(mine)
  const [here, there] = [[] as JobId[], [] as JobId[]]
  mine.onNews((id) => here.push(id))
  other.onNews((id) => there.push(id))
  mine.committed([committed])
  mine.news([changed])
  await until('the news have arrived', () => there.length === 2)
  expect(there).toEqual([committed, changed])
  expect(here).toEqual([changed])
  expect(listed).toEqual([`news ${committed}`, `news ${changed}`])
})

test('a process that knows that no other one listens sends only that it listens itself', async () => {
  const { pool, sent } = recordingPool()
  const { clock, advance } = movableClock()
  const alone = await open({ pool, clock })
  const sends = () => {
    sent.length = 0
    alone.news([newId()])
    alone.committed([newId()])
    alone.queued(OWNER)
    alone.command(newId())
    alone.canceled([newId()])
    // Notices are sent in their order.
    return until('a hello follows', () => sent.some((notice) => notice.includes('hello'))).then(
      () => sent.filter((notice) => !notice.includes('hello')).length,
    )
  }
  // The database knew of no other process when this one began to listen.
  for (let time = 0; time < 2 * HELLO_MS; time += ANSWER_MS) {
    advance(ANSWER_MS)
    expect(await sends()).toBe(0)
  }

  const other = await open()
  const heard = listenTo(other)
  await until('the other process is known', () => {
    alone.queued(OWNER)
    return heard.length > 0
  })
  // A question that comes back without an answer says so, too.
  await terminateListeners()
  await other.close()
  expect(await sends()).toBeGreaterThan(0)
  await until('the other process has left', () => {
    advance(ANSWER_MS)
    return sends().then((count) => count === 0)
  })
  expect(new Set(heard)).toEqual(new Set(['queued']))
})

test('the hints of a process that has only just opened reach the processes that listen', async () => {
  const before = await open()
  const [heard, id] = [listenTo(before), newId<JobId>()]
  const fresh = await open()
  fresh.command(id)
  fresh.news([id])
  await until('both have arrived', () => heard.length === 2)
  expect([...heard].sort()).toEqual([`command ${id}`, `news ${id}`])
})

test('the hints of a process that was suspended longer than its peers count as listening reach them', async () => {
  const { clock, advance } = movableClock()
  const [suspended, other] = await openTwo({ clock })
  const heard = listenTo(other)
  advance(2 * PEER_MS)
  suspended.queued(null)
  await until('the hint has arrived', () => heard.length === 1)
})

test('a process whose listening connection was lost sends its hints to those that opened meanwhile', async () => {
  const proxy = await startTcpProxy(database.url)
  const { clock, advance } = movableClock()
  const { pool, sent } = recordingPool()
  const deaf = await open({ url: proxy.url, pool, clock })
  await until('it knows that it is alone', () => {
    advance(ANSWER_MS)
    sent.length = 0
    deaf.queued(null)
    return until('a hello follows', () => sent.some((notice) => notice.includes('hello'))).then(() =>
      sent.every((notice) => notice.includes('hello')),
    )
  })
  proxy.sever()
  await until('the connection is lost', async () => (await listeners()).length === 0)
  const fresh = await open()
  const heard = listenTo(fresh)
  await until('its hints arrive', () => {
    deaf.queued(null)
    return heard.length > 0
  })
  proxy.restore()
  await deaf.close()
  await proxy.close()
})

test('a hello that cannot be sent is sent again: the process hears of the next command', async () => {
  const { clock, advance } = movableClock()
  const before = await open({ clock })
  let isAway = true
  const pool = {
    query: (...args: Parameters<pg.Pool['query']>) => {
      if (isAway) throw new Error('away')
      return database.pool.query(...args)
    },
  } as unknown as pg.Pool
  // Time passes for the sender: it would know that it is alone.
  const fresh = await open({ pool })
  advance(ANSWER_MS)
  const heard = listenTo(fresh)
  isAway = false
  await until('the command arrives', () => {
    before.command(newId())
    return heard.length > 0
  })
})

test('readers by hints are informed when hints may have been lost', async () => {
  const wakeups = await open(FAST)
  let gaps = 0
  wakeups.onGap(() => gaps++)
  await terminateListeners()
  await until('it is informed at the loss and when it listens again', () => gaps >= 2)
})

test.each(['nonsense', '{}', '{"from":"x","news":"all"}', '{"from":"x","command":7}', 'null', ''])(
  'what others send on the channel and is no notice is passed over: %j',
  async (payload) => {
    const [mine, other] = await openTwo()
    const heard = listenTo(other)
    await database.pool.query(`SELECT pg_notify('lume_wakeups', $1)`, [payload])
    mine.queued(null)
    await until('what follows has arrived', () => heard.length > 0)
    expect(heard).toEqual(['queued'])
  },
)

test('a listening connection that is cut is opened again', async () => {
  const [mine, other] = await openTwo({}, FAST)
  const heard = listenTo(other)
  const before = await listeners()
  await terminateListeners()
  await until('both listen again', async () => {
    const now = await listeners()
    return now.length === 2 && now.every((pid) => !before.includes(pid))
  })
  mine.queued(null)
  await until('hints arrive again', () => heard.length > 0)
})

test('it is tried again for as long as the server is away', async () => {
  const proxy = await startTcpProxy(database.url)
  const warn = jest.fn()
  const [mine, other] = await openTwo({}, { url: proxy.url, warn, ...FAST })
  const heard = listenTo(other)
  proxy.sever()
  await until('it was tried in vain', () => warn.mock.calls.length > 2)
  proxy.restore()
  await until('hints arrive again', () => {
    mine.queued(null)
    return heard.length > 0
  })
  await other.close()
  await proxy.close()
})

test('closing while the connection is being opened again leaves nothing behind', async () => {
  const wakeups = await open()
  await terminateListeners()
  await wakeups.close()
})

test('a server that is away at the start is told at once, and not tried again behind everybody’s back', async () => {
  const proxy = await startTcpProxy(database.url)
  proxy.sever()
  await expect(open({ url: proxy.url, ...FAST })).rejects.toThrow()
  proxy.restore()
  await expect(open({ url: `${database.url}_not`, ...FAST })).rejects.toThrow('does not exist')
  expect(await listeners()).toEqual([])
  await proxy.close()
})

test('hints that cannot be sent are one warning, and are sent when they can be', async () => {
  const warn = jest.fn()
  let isAway = false
  const pool = {
    query: (...args: Parameters<pg.Pool['query']>) => {
      if (isAway) throw new Error('away')
      return database.pool.query(...args)
    },
  } as unknown as pg.Pool
  const [mine, other] = await openTwo({ pool, warn, ...FAST })
  const heard = listenTo(other)
  const [first, second] = [newId<JobId>(), newId<JobId>()]
  isAway = true
  mine.command(first)
  await until('the warning was given', () => warn.mock.calls.length === 1)
  mine.news([second])
  isAway = false
  await until('both have arrived', () => heard.length === 2)
  expect([...heard].sort()).toEqual([`command ${first}`, `news ${second}`])
  expect(warn).toHaveBeenCalledTimes(1)
})

interface OpenOptions {
  readonly url?: string
  readonly pool?: pg.Pool
  readonly warn?: jest.Mock
  readonly clock?: Pick<Clock, 'now' | 'wait'>
}

/** Reconnects without waiting long. */
const FAST = {
  clock: { now: systemClock.now, wait: (_ms: number, signal?: AbortSignal) => systemClock.wait(10, signal) },
}

/** The clock of the machine, and a function that sets it forward. */
function movableClock() {
  let forwardMs = 0
  return {
    clock: { now: () => systemClock.now() + forwardMs, wait: FAST.clock.wait },
    advance: (ms: number) => void (forwardMs += ms),
  }
}

/** The pool, and the notices that were sent over it. */
function recordingPool() {
  const sent: string[] = []
  const query = (text: string, values: unknown[]) => {
    sent.push(...(values[1] as string[]))
    return database.pool.query(text, values)
  }
  return { pool: { query } as unknown as pg.Pool, sent }
}

async function open(options: OpenOptions = {}): Promise<Wakeups> {
  const { url = database.url, pool = database.pool, warn = jest.fn(), clock = systemClock } = options
  const wakeups = await createPostgresWakeups({
    pool,
    connect: () => new pg.Client({ connectionString: url, application_name: 'lume wakeups' }),
    processId: newId(),
    clock,
    logger: { warn },
  })
  opened.push(wakeups)
  return wakeups
}

/** Two processes that know of each other. */
async function openTwo(a: OpenOptions = {}, b: OpenOptions = {}): Promise<[Wakeups, Wakeups]> {
  const both: [Wakeups, Wakeups] = [await open(a), await open(b)]
  for (const [from, to] of [both, both.toReversed()] as [Wakeups, Wakeups][]) {
    const heard = new Set<JobId>()
    const detach = to.onCommand((id) => heard.add(id))
    const first = newId<JobId>()
    await until('one process hears the other', () => {
      if (!heard.has(first)) from.command(first)
      return heard.has(first)
    })
    // Hints of one process arrive in order: those that were sent again have arrived before this one.
    const last = newId<JobId>()
    from.command(last)
    await until('nothing more is under way', () => heard.has(last))
    detach()
  }
  return both
}

/** Whatever is heard from now on, as text. */
function listenTo(wakeups: Wakeups): readonly string[] {
  const heard: string[] = []
  wakeups.onAnyNews((id) => heard.push(`news ${id}`))
  wakeups.onCommand((id) => heard.push(`command ${id}`))
  wakeups.onQueued(() => heard.push('queued'))
  return heard
}

async function listeners(): Promise<readonly number[]> {
  const { rows } = await database.pool.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity WHERE application_name = 'lume wakeups' AND datname = current_database()`,
  )
  return rows.map(({ pid }) => pid)
}

async function terminateListeners(): Promise<void> {
  await database.pool.query('SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) AS p(pid)', [
    await listeners(),
  ])
}
