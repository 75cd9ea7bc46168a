import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { WebSocket } from 'ws'
import { Closers } from '../../src/lib/async/closers.ts'
import { graphql } from '../gql/index.ts'
import { createTestDatabase } from '../support/database.ts'
import { createGraphqlClient } from '../support/graphql-client.ts'
import { startReceiver } from '../support/receiver-server.ts'
import { EXECUTE, timelineOf } from '../support/runs.ts'
import { startServerProcess, type ServerProcess } from '../support/server-process.ts'
import { until } from '../support/until.ts'

const STATUS = graphql(`
  query StatusAfterRestart($id: ID!) {
    job(id: $id) {
      status
      result
    }
  }
`)

let closers: Closers
let dataDir: string

beforeEach(async () => {
  closers = new Closers()
  dataDir = await mkdtemp(join(tmpdir(), 'lume-signals-'))
  closers.add(() => rm(dataDir, { recursive: true, force: true }))
})
afterEach(() => closers.close())

async function start(environment: Record<string, string> = {}): Promise<ServerProcess> {
  const server = await startServerProcess({ LUME_DATA_DIR: dataDir, ...environment })
  closers.add(() => server.kill())
  return server
}

test('SIGTERM ends a busy server as soon as its calls have ended: executions are given back, subscriptions end, no lock is left', async () => {
  const receiver = await startReceiver()
  closers.add(() => receiver.close())
  const allowed = { LUME_ALLOW_PRIVATE_HOSTS: receiver.host }
  const first = await start(allowed)

  // One run waits for an answer that takes its time, one for the time itself.
  const calling = await execute(first, {
    nodes: [
      { id: 'before', type: 'core.transform', config: { value: 1 } },
      {
        id: 'call',
        type: 'api.http',
        config: {
          method: 'POST',
          url: `${receiver.url}/batches`,
          query: { delayMs: 1_500 },
          body: { leads: [{ id: 1 }] },
        },
      },
    ],
    edges: [{ source: 'before', target: 'call' }],
    output: '{{ nodes.call.output.body }}',
  })
  const waiting = await execute(first, {
    nodes: [{ id: 'wait', type: 'core.delay', config: { duration: '4s' } }],
    edges: [],
    output: 'waited',
  })
  await until('the call is under way', async () => (await receiver.summary()).calls === 1)
  const idle = new WebSocket(first.url.replace('http', 'ws'), 'graphql-transport-ws')
  await once(idle, 'open')
  const told = once(idle, 'close')

  const startedAt = performance.now()
  expect(await first.stop()).toBe(0)
  expect(performance.now() - startedAt).toBeLessThan(8_000)
  expect((await told)[0]).toBe(1001)
  expect(await readdir(dataDir)).not.toContain('lock')
  expect(faultsIn(first)).toEqual([])

  const second = await start(allowed)
  const timeline = await timelineOf(second, calling)
  expect(timeline.map(({ seq }) => seq)).toEqual(timeline.map((_event, index) => index + 1))
  expect(timeline.at(-1)?.kind).toBe('JOB_COMPLETED')
  const client = createGraphqlClient(second.url)
  expect((await client.ask(STATUS, { id: calling })).job?.result).toMatchObject({ accepted: 1 })
  await timelineOf(second, waiting)
  expect((await client.ask(STATUS, { id: waiting })).job?.result).toBe('waited')
  expect(await receiver.summary()).toMatchObject({ leads: 1, batches: [{ calls: 1 }] })
  expect(faultsIn(second)).toEqual([])
  expect(await second.stop()).toBe(0)
}, 60_000)

test('a process that cannot answer its last requests exits five seconds after its grace period, and another one continues its runs', async () => {
  const database = await createTestDatabase()
  closers.add(() => database.drop())
  // It does not answer its first call.
  let calls = 0
  const callee = createServer((_req, res) => void (++calls > 1 && res.end('"answered"'))).listen(
    0,
    '127.0.0.1',
  )
  await once(callee, 'listening')
  closers.add(() => {
    callee.close()
    callee.closeAllConnections()
  })
  const host = `127.0.0.1:${(callee.address() as AddressInfo).port}`
  const environment = {
    DATABASE_URL: database.url,
    LUME_ALLOW_PRIVATE_HOSTS: host,
    LUME_SHUTDOWN_GRACE_MS: '200',
  }
  const first = await start(environment)
  const calling = await execute(first, {
    nodes: [{ id: 'call', type: 'api.http', config: { url: `http://${host}/` } }],
    edges: [],
  })
  await until('the call is under way', () => calls === 1)
  // Requests whose statements wait for as long as a statement may.
  const locker = await database.pool.connect()
  await locker.query('BEGIN')
  await locker.query('LOCK TABLE api_keys')
  const query = JSON.stringify({ query: '{ apiKeys(first: 1) { edges { node { name } } } }' })
  const cut = Array.from({ length: 20 }, () =>
    fetch(first.url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: query }).then(
      () => 'answered',
      () => 'cut off',
    ),
  )
  await until('the requests wait for the lock', async () => {
    const { rows } = await database.pool.query(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    )
    return rows.length >= 5
  })
  let exitCode: number | null = null
  void first.stop().then((code) => (exitCode = code))
  await until('the process has exited', () => exitCode !== null, 15_000)
  expect(exitCode).toBe(1)
  expect(new Set(await Promise.all(cut))).toEqual(new Set(['cut off']))
  expect(first.output()).toContain('it exits with work unfinished')
  await locker.query('ROLLBACK')
  locker.release()
  // The run was given back before, so that no loss is counted.
  const { rows } = await database.pool.query('SELECT status, holder, recoveries FROM jobs')
  expect(rows).toEqual([{ status: 'RUNNING', holder: null, recoveries: 0 }])

  const second = await start(environment)
  const timeline = await timelineOf(second, calling)
  expect(timeline.map(({ seq }) => seq)).toEqual(timeline.map((_event, index) => index + 1))
  expect(timeline.at(-1)?.kind).toBe('JOB_COMPLETED')
  expect(calls).toBe(2)
  expect(await second.stop()).toBe(0)
}, 60_000)

async function execute(server: ServerProcess, definition: unknown): Promise<string> {
  const { executeWorkflow } = await createGraphqlClient(server.url).ask(EXECUTE, { input: { definition } })
  if (executeWorkflow.__typename !== 'ExecuteWorkflowPayload')
    throw new Error(JSON.stringify(executeWorkflow))
  return executeWorkflow.job.id
}

/** What it has logged as an error or worse, or printed beside its log. */
function faultsIn(server: ServerProcess): readonly string[] {
  const lines = server.output().split('\n').filter(Boolean)
  return lines.filter((line) => !line.startsWith('{') || (JSON.parse(line) as { level: number }).level >= 50)
}
