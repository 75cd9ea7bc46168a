import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { z } from 'zod'
import { completed, type Block } from '../../src/engine/block/block.ts'
import { defineBlock } from '../../src/engine/block/define-block.ts'
import { Closers } from '../../src/lib/async/closers.ts'
import type { JobId } from '../../src/lib/ids.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { createFleet, start, type Fleet } from '../support/fleet.ts'
import { jobRow, timelineKinds } from '../support/jobs.ts'
import { startServerProcess, type ServerProcess } from '../support/server-process.ts'
import { startSlowShop, type SlowShop } from '../support/slow-shop.ts'
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'
import { until } from '../support/until.ts'

/** On a busy machine a process takes this much longer than it waits for anything. */
const SLACK_MS = 1_500

let closers: Closers
let database: TestDatabase
let proxy: TcpProxy
let fleet: Fleet
let shop: SlowShop

beforeEach(async () => {
  closers = new Closers()
  database = await createTestDatabase()
  closers.add(() => database.drop())
  proxy = await startTcpProxy(database.url)
  closers.add(() => proxy.close())
  shop = await startSlowShop()
  closers.add(() => shop.close())
  fleet = createFleet(database)
  closers.add(() => fleet.close())
})
afterEach(() => closers.close())

test('paid calls that are in flight when the process is asked to stop are answered and recorded: each is made once, and none has an unknown outcome', async () => {
  const server = await open()
  const paths = Array.from({ length: 5 }, (_, n) => `/paid-${n}`)
  const ids = await startAll(paths.map((path) => buys(path, `${path}/next`)))
  await Promise.all(paths.map((path) => shop.called(path)))
  server.terminate()
  await until('the server takes no more requests', () => isRefused(server))
  for (const path of paths) shop.answer(path)
  expect(await server.stop()).toBe(0)
  for (const id of ids) {
    expect(await jobRow(database.pool, id)).toMatchObject({ holder: null, recoveries: 0, finished_at: null })
    expect((await timelineKinds(database.pool, id)).filter((kind) => kind.startsWith('STEP'))).toEqual([
      'STEP_STARTED',
      'STEP_COMPLETED',
    ])
  }
  const next = await openNext()
  for (const id of ids) expect(await ended(id)).toMatchObject({ status: 'COMPLETED', recoveries: 0 })
  expect(shop.calls.toSorted()).toEqual(paths)
  expect(next.calls.toSorted()).toEqual(paths.map((path) => `${path}/next`))
}, 60_000)

test('beside a block that ignores its signal, the others are given back as soon as their calls have ended; the process exits at the end of the grace period', async () => {
  const server = await open({ LUME_SHUTDOWN_GRACE_MS: '4000' })
  const paths = ['/a', '/b', '/c']
  const [deafId = null] = await startAll([deaf('/deaf')])
  const ids = await startAll(paths.map((path) => buys(path, `${path}/next`)))
  await Promise.all(['/deaf', ...paths].map((path) => shop.called(path)))
  const next = await openNext()
  const stoppedAt = performance.now()
  let exitCode: number | null | undefined
  void server.stop().then((code) => (exitCode = code))
  await until('the server takes no more requests', () => isRefused(server))
  for (const path of paths) shop.answer(path)
  for (const id of ids) expect(await ended(id)).toMatchObject({ status: 'COMPLETED', recoveries: 0 })
  const takenOverMs = performance.now() - stoppedAt
  expect(takenOverMs).toBeLessThan(3_000)
  expect(next.calls.toSorted()).toEqual(paths.map((path) => `${path}/next`))
  expect([exitCode, (await jobRow(database.pool, deafId ?? '')).fence]).toEqual([undefined, '1'])
  await until('the process has exited', () => exitCode !== undefined, 15_000)
  const exitedMs = performance.now() - stoppedAt
  expect(exitedMs).toBeGreaterThan(3_900)
  expect(exitedMs).toBeLessThan(4_000 + 1_000 + SLACK_MS)
  expect(await ended(deafId ?? '')).toMatchObject({ status: 'COMPLETED', recoveries: 0 })
}, 60_000)

test('a second SIGTERM ends the process within two seconds, and what runs is given back', async () => {
  const server = await open()
  const [id = ''] = await startAll([deaf('/deaf')])
  await shop.called('/deaf')
  server.terminate()
  await until('the server takes no more requests', () => isRefused(server))
  const startedAt = performance.now()
  await server.stop()
  expect(performance.now() - startedAt).toBeLessThan(2_000)
  expect(await jobRow(database.pool, id)).toMatchObject({ holder: null, recoveries: 0 })
}, 60_000)

test.each(['sever', 'silence'] as const)(
  'a process that is asked to stop while the database does not answer exits soon after its grace period: %s',
  async (how) => {
    const server = await open({ LUME_SHUTDOWN_GRACE_MS: '500', LUME_LEASE_MS: '3000' })
    await startAll([buys('/paid')])
    await shop.called('/paid')
    proxy[how]()
    shop.answer('/paid')
    const startedAt = performance.now()
    expect(await server.stop()).toBe(1)
    expect(performance.now() - startedAt).toBeLessThan(500 + 5_000 + SLACK_MS)
  },
  60_000,
)

async function open(environment: Record<string, string> = {}): Promise<ServerProcess> {
  const server = await startServerProcess({
    DATABASE_URL: proxy.url,
    LUME_BLOCKS: './test/support/stop-blocks.js',
    LUME_LEASE_MS: '60000',
    ...environment,
  })
  closers.add(() => server.kill())
  return server
}

async function isRefused({ url }: ServerProcess): Promise<boolean> {
  return fetch(new URL('/health', url)).then(
    () => false,
    () => true,
  )
}

/** The worker that takes over: its calls come back at once. */
async function openNext(): Promise<{ readonly calls: readonly string[] }> {
  const calls: string[] = []
  await fleet.open({ role: 'worker' }, { blocks: doubles((path) => calls.push(path)) })
  return { calls }
}

/** Has an API process accept starts, which the worker process runs. */
async function startAll(definitions: readonly object[]): Promise<JobId[]> {
  const api = await fleet.open({ role: 'api' }, { blocks: doubles(() => undefined) })
  const ids: JobId[] = []
  for (const definition of definitions) ids.push(await start(api, definition))
  return ids
}

/** The blocks of the process, as another one has them. */
function doubles(onCall: (path: string) => void): readonly Block[] {
  const double = (type: string, repeat: 'safe' | 'never') =>
    defineBlock({
      type,
      name: 'Double',
      description: 'Comes back at once.',
      effect: 'external',
      repeat,
      config: z.strictObject({ url: z.string() }),
      output: z.json(),
      sample: null,
      async run({ config: { url } }) {
        onCall(new URL(url).pathname)
        return completed(null)
      },
    })
  return [double('test.buy', 'never'), double('test.deaf', 'safe')]
}

function buys(...paths: readonly string[]) {
  const nodes = paths.map((path, n) => ({
    id: `step-${n}`,
    type: 'test.buy',
    config: { url: `${shop.url}${path}` },
  }))
  const edges = nodes.slice(1).map(({ id }, n) => ({ source: nodes[n]?.id, target: id }))
  return { nodes, edges }
}

function deaf(path: string) {
  return { nodes: [{ id: 'deaf', type: 'test.deaf', config: { url: `${shop.url}${path}` } }], edges: [] }
}

function ended(id: string) {
  return until(`job ${id} has ended`, async () => {
    const row = await jobRow(database.pool, id)
    return row.finished_at && row
  })
}
