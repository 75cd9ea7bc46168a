import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { WebSocket } from 'ws'
import { Closers } from '../../src/lib/async/closers.ts'
import { graphql } from '../gql/index.ts'
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

test('SIGTERM ends a busy server within seconds: runs are given back, clients are told, no lock is left', async () => {
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
          query: { delayMs: 5_000 },
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
  // The call that was cut off was made again, as the same call.
  expect(await receiver.summary()).toMatchObject({ leads: 1, batches: [{ calls: 2 }] })
  expect(faultsIn(second)).toEqual([])
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
