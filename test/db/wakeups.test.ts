import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals'
import pg from 'pg'
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

test('a process sends nothing but who listens while no other process does', async () => {
  const sent: string[] = []
  const pool = {
    query: (text: string, values: unknown[]) => {
      sent.push(...(values[1] as string[]))
      return database.pool.query(text, values)
    },
  } as unknown as pg.Pool
  const alone = await open({ pool })
  alone.news([newId()])
  alone.committed([newId()])
  alone.queued(OWNER)
  alone.command(newId())
  alone.canceled([newId()])
  const other = await open()
  const heard = listenTo(other)
  await until('the other process is known', () => {
    alone.queued(OWNER)
    return heard.length > 0
  })
  await other.close()
  await until('the other process has left', () => {
    sent.length = 0
    alone.queued(OWNER)
    return sent.length === 0
  })
  expect(new Set(heard)).toEqual(new Set(['queued']))
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

test('hints that cannot be sent are a warning; those after them go out', async () => {
  const warn = jest.fn()
  let isAway = false
  const pool = {
    query: (...args: Parameters<pg.Pool['query']>) => {
      if (isAway) throw new Error('away')
      return database.pool.query(...args)
    },
  } as unknown as pg.Pool
  const [mine, other] = await openTwo({ pool, warn })
  const heard = listenTo(other)
  isAway = true
  mine.queued(null)
  await until('the warning was given', () => warn.mock.calls.length === 1)
  isAway = false
  mine.queued(null)
  await until('the second has arrived', () => heard.length === 1)
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
