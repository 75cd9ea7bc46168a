import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { Closers } from '../../src/lib/async/closers.ts'
import { readGlobalId } from '../../src/lib/global-id.ts'
import type { JobId, OwnerId } from '../../src/lib/ids.ts'
import type { Json, JsonObject } from '../../src/lib/json/json.ts'
import { graphql } from '../gql/index.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { createGraphqlClient } from '../support/graphql-client.ts'
import { recordAgain } from '../support/record-entries.ts'
import { EXECUTE } from '../support/runs.ts'
import { startServerProcess, type ServerProcess } from '../support/server-process.ts'
import { until } from '../support/until.ts'

const STATE = graphql(`
  query StateInMemoryTest($id: ID!) {
    execution(id: $id) {
      status
      output
      error {
        code
        message
      }
    }
  }
`)

const RETRY = graphql(`
  mutation RetryInMemoryTest($id: ID!, $patchOutputs: JSON) {
    retryExecution(input: { id: $id, patchOutputs: $patchOutputs }) {
      __typename
      ... on RetryExecutionPayload {
        execution {
          id
        }
      }
      ... on Error {
        code
        message
      }
    }
  }
`)

const SIMULATE = graphql(`
  mutation SimulateInMemoryTest($input: SimulateWorkflowInput!) {
    simulateWorkflow(input: $input) {
      __typename
      ... on SimulateWorkflowPayload {
        status
      }
    }
  }
`)

const PAUSE = graphql(`
  mutation PauseInMemoryTest($id: ID!) {
    pauseExecution(input: { id: $id }) {
      __typename
    }
  }
`)

const RESUME = graphql(`
  mutation ResumeInMemoryTest($id: ID!) {
    resumeExecution(input: { id: $id }) {
      __typename
    }
  }
`)

const SIGNAL = graphql(`
  mutation SignalInMemoryTest($input: SignalExecutionInput!) {
    signalExecution(input: $input) {
      __typename
      ... on Error {
        message
      }
    }
  }
`)

const TEST_BLOCK = graphql(`
  mutation TestBlockInMemoryTest($input: TestBlockInput!) {
    testBlock(input: $input) {
      __typename
      ... on TestBlockPayload {
        status
        error {
          code
        }
      }
    }
  }
`)

/** Texts that take far more memory once they are parsed than as texts, by the path that answers them. */
const ANSWERS: Readonly<Record<string, () => string>> = {
  // 40 bytes of heap for each of 1.3 million empty lists: the attack.
  '/lists': () => `[${Array(1_300_000).fill('[]').join(',')}]`,
  '/small': () => '[]',
  // As much as one output may take.
  '/largest': () => `[${Array(600_000).fill('[]').join(',')}]`,
  '/keys': () => `[${Array.from({ length: 350_000 }, (_, i) => `{"k${i}":0}`).join(',')}]`,
  '/some-keys': () => `[${Array.from({ length: 50_000 }, (_, i) => `{"k${i}":0}`).join(',')}]`,
  '/deep': () => '['.repeat(1_000_000) + ']'.repeat(1_000_000),
  // More than an output may hold.
  '/long-text': () => 'x'.repeat(9_800_000),
  '/wide': () => JSON.stringify(['ж'.repeat(2_000_000)]),
  '/rows': () =>
    JSON.stringify(
      Array.from({ length: 10_000 }, (_, i) =>
        Object.fromEntries(
          Array.from({ length: 20 }, (__, k) => [`field${k}`, k % 2 ? i * k : `value ${i}`]),
        ),
      ),
    ),
}

const PATIENCE_MS = 110_000
const TEST_MS = 120_000

let closers: Closers
let database: TestDatabase
let target: string
let calls: string[]
/** Paths that are answered with 404. */
/** The answers that were begun and not ended. */
let stalled: ServerResponse[]
let missing: Set<string>

beforeEach(async () => {
  closers = new Closers()
  database = await createTestDatabase()
  closers.add(() => database.drop())
  calls = []
  missing = new Set()
  stalled = []
  const texts = new Map<string, Buffer>()
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    calls.push(path)
    if (missing.has(path)) return void response.writeHead(404).end()
    const text = texts.get(path) ?? Buffer.from(ANSWERS[path]?.() ?? 'null')
    texts.set(path, text)
    if (path === '/stalled') return stall(response)
    response.setHeader('content-type', path.endsWith('-text') ? 'text/plain' : 'application/json').end(text)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.add(() => {
    server.closeAllConnections()
    server.close()
  })
  target = `127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(() => closers.close())

/** Sends an answer of 9.8 MB without its end. */
function stall(response: ServerResponse): void {
  stalled.push(response)
  response.writeHead(200, { 'content-type': 'text/plain' })
  const piece = Buffer.alloc(98_000, 'x')
  let left = 100
  const write = () => {
    while (left-- > 0) if (!response.write(piece)) return void response.once('drain', write)
  }
  write()
}

/** The memory of a process that is not swapped out, in bytes. */
function memoryOf(pid: number): number {
  const [, kibibytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kibibytes) * 1024
}

async function start(): Promise<ServerProcess> {
  const server = await startServerProcess({
    DATABASE_URL: database.url,
    NODE_OPTIONS: '--max-old-space-size=512',
    LUME_ALLOW_PRIVATE_HOSTS: target,
    LUME_LEASE_MS: '10000',
  })
  closers.add(() => server.kill())
  return server
}

async function execute(
  server: ServerProcess,
  definition: JsonObject,
  input: unknown = null,
): Promise<string> {
  const { executeWorkflow } = await createGraphqlClient(server.url).ask(EXECUTE, {
    input: { definition, input },
  })
  if (executeWorkflow.__typename !== 'ExecuteWorkflowPayload')
    throw new Error(JSON.stringify(executeWorkflow))
  return executeWorkflow.execution.id
}

/** Names the rows of an execution. */
async function keyOf(globalId: string): Promise<{ readonly id: JobId; readonly ownerId: OwnerId }> {
  const { rows } = await database.pool.query<{ id: JobId; ownerId: OwnerId }>(
    'SELECT id, owner_id AS "ownerId" FROM jobs WHERE id = $1',
    [readGlobalId<JobId>('Execution', globalId)],
  )
  if (!rows[0]) throw new Error(`there is no execution ${globalId}`)
  return rows[0]
}

async function retried(server: ServerProcess, id: string, patchOutputs: JsonObject = {}): Promise<string> {
  const { retryExecution } = await createGraphqlClient(server.url).ask(RETRY, { id, patchOutputs })
  if (retryExecution.__typename !== 'RetryExecutionPayload') throw new Error(JSON.stringify(retryExecution))
  return retryExecution.execution.id
}

async function ended(server: ServerProcess, id: string) {
  const client = createGraphqlClient(server.url)
  const read = async () => (await client.ask(STATE, { id })).execution
  return until(
    'the execution ends',
    async () => {
      const execution = await read()
      return ['COMPLETED', 'FAILED'].includes(execution?.status ?? '') && execution
    },
    PATIENCE_MS,
  )
}

const call = (id: string, path: string): JsonObject => ({
  id,
  type: 'api.http',
  config: { url: `http://${target}${path}`, timeoutMs: 60_000 },
})

/** Calls in a row; the definition's output is what `output` says. */
function chain(paths: readonly string[], output: string, more: readonly JsonObject[] = []): JsonObject {
  const nodes = [...paths.map((path, index) => call(`call${index}`, path)), ...more]
  const ids = nodes.map(({ id }) => id as string)
  return {
    nodes,
    edges: ids.slice(1).map((id, index) => ({ source: ids[index] ?? '', target: id })),
    output,
  }
}

const SMALL = { nodes: [{ id: 'one', type: 'core.transform', config: { value: 1 } }], edges: [] }

test(
  'fifteen answers of 3.9 MB that parse to 1.3 million lists each do not end a server with a heap of 512 MB',
  async () => {
    const server = await start()
    const attack = await execute(server, chain(Array<string>(15).fill('/lists'), 'done'))
    const other = await execute(server, SMALL)
    expect(await ended(server, other)).toMatchObject({ status: 'COMPLETED' })
    expect(await ended(server, attack)).toMatchObject({
      status: 'FAILED',
      error: { code: 'HTTP_RESPONSE_TOO_LARGE', message: expect.stringContaining('Ask for less') },
    })
  },
  TEST_MS,
)

test(
  'more outputs than the heap holds flow through an execution, and are read back from the record, also after a kill',
  async () => {
    const first = await start()
    const paths = Array<string>(7).fill('/largest')
    const sizes = paths.map((_, index) => ({
      id: `size${index}`,
      type: 'core.transform',
      config: { value: `{{ size(nodes.call${index}.output.body) }}` },
    }))
    const output = sizes.map(({ id }) => `{{ nodes.${id}.output }}`).join(' ')
    const id = await execute(first, chain(paths, output, sizes))
    await until('the fifth call is made', () => calls.length > 4, PATIENCE_MS)
    await first.kill()
    const second = await start()
    const other = await execute(second, SMALL)
    expect(await ended(second, other)).toMatchObject({ status: 'COMPLETED' })
    expect(await ended(second, id)).toMatchObject({
      status: 'COMPLETED',
      output: Array(7).fill('600000').join(' '),
    })
  },
  TEST_MS,
)

test(
  'retries of an execution with more outputs than the heap holds, and their recovery, do not end a server with a heap of 512 MB',
  async () => {
    const first = await start()
    missing.add('/last')
    const paths = [...Array<string>(15).fill('/small'), '/last']
    const id = await execute(first, chain(paths, '{{ size(nodes.call14.output.body) }}'))
    expect(await ended(first, id)).toMatchObject({ status: 'FAILED' })
    // As if each call had answered as much as one output may take.
    const output = `{"status":200,"headers":{},"body":${ANSWERS['/largest']?.()}}`
    let enlarged = 0
    await recordAgain(database.pool, await keyOf(id), ({ status }) => {
      if (status !== 'COMPLETED') return null
      enlarged++
      return { output }
    })
    expect(enlarged).toBe(15)
    missing.clear()
    calls = []
    const retries = await Promise.all(Array.from({ length: 3 }, () => retried(first, id)))
    expect(await ended(first, await execute(first, SMALL))).toMatchObject({ status: 'COMPLETED' })
    await first.kill()
    await database.pool.query('UPDATE jobs SET leased_until = now() WHERE holder IS NOT NULL')
    const second = await start()
    for (const retry of retries) {
      expect(await ended(second, retry)).toMatchObject({ status: 'COMPLETED', output: 600_000 })
    }
    expect(new Set(calls)).toEqual(new Set(['/last']))
    // Each step's input is compared with the one that the source execution had, and runs again.
    const changed = await retried(second, id, { call0: null })
    expect(await ended(second, changed)).toMatchObject({ status: 'COMPLETED', output: 0 })
    expect(calls.filter((path) => path === '/small')).toHaveLength(14)
  },
  TEST_MS,
)

test(
  'many executions at once that hold large values of every kind do not end a server with a heap of 512 MB',
  async () => {
    const server = await start()
    const rows = ['/rows', '/largest', '/some-keys']
    const holding = Array.from({ length: 2 }, () =>
      chain(rows, '{{ size(nodes.last.output) }}', [
        {
          id: 'last',
          type: 'core.transform',
          config: { value: rows.map((_, i) => `{{ size(nodes.call${i}.output.body) }}`) },
        },
      ]),
    )
    const refused = ['/keys', '/deep', '/lists'].map((path) => chain([path], 'done'))
    const copying = {
      ...chain(['/rows', '/largest'], 'done', [
        { id: 'copy0', type: 'core.transform', config: { value: '{{ nodes.call1.output }}' } },
        ...Array.from({ length: 4 }, (_, i) => ({
          id: `copy${i + 1}`,
          type: 'core.transform',
          config: { value: `{{ nodes.copy${i}.output }}` },
        })),
      ]),
    }
    const multiplied = chain(['/wide'], 'done', [
      {
        id: 'times',
        type: 'core.transform',
        config: { value: '{{ [1,2,3,4,5,6,7,8,9].map(x, nodes.call0.output) }}' },
      },
    ])
    const looping = {
      nodes: [
        {
          id: 'loop',
          type: 'core.forEach',
          config: {
            items: '{{ input }}',
            concurrency: 20,
            onItemError: 'collect',
            body: { nodes: [call('page', '/rows')], edges: [], output: '{{ nodes.page.output.body }}' },
          },
        },
      ],
      edges: [],
    }
    const items = Array.from({ length: 4 }, (_, i) => i)
    const started = await Promise.all([
      ...[...holding, ...refused, copying, multiplied].map((definition) => execute(server, definition)),
      execute(server, looping, items),
    ])
    expect(await ended(server, await execute(server, SMALL))).toMatchObject({ status: 'COMPLETED' })
    const ends = await Promise.all(started.map((id) => ended(server, id)))
    const codes = ends.map((end) => end?.error?.code ?? end?.status)
    expect(codes.slice(0, 2)).toEqual(Array(2).fill('COMPLETED'))
    expect(codes.slice(2)).toEqual([
      'HTTP_RESPONSE_TOO_LARGE',
      'HTTP_RESPONSE_TOO_LARGE',
      'HTTP_RESPONSE_TOO_LARGE',
      'COMPLETED',
      'EXPRESSION_TOO_COSTLY',
      'OUTPUT_TOO_LARGE',
    ])
  },
  TEST_MS,
)

test(
  'configs of many waiting steps that would take more than the heap do not end a server with a heap of 512 MB',
  async () => {
    const server = await start()
    /** The text has as many characters as `texts` times 10,000, each of two bytes. */
    const waiting = (samples: number): JsonObject => ({
      nodes: Array.from({ length: 15 }, (_, index) => ({
        id: `wait${index}`,
        type: 'core.waitForSignal',
        config: {
          name: 'go',
          timeout: '2s',
          onTimeout: 'route',
          sample: Array<string>(samples).fill('{{ input.s.map(a, input.t).join("") }}'),
        },
      })),
      edges: [],
      output: 'done',
    })
    const input = (texts: number) => ({ s: Array<string>(texts).fill('a'), t: 'Ā'.repeat(10_000) })
    // 48 MB each, of which 4 MiB are allowed; then 2 MB each, which is allowed.
    const refused = await execute(server, waiting(6), input(400))
    const allowed = await Promise.all(
      Array.from({ length: 3 }, () => execute(server, waiting(1), input(100))),
    )
    const client = createGraphqlClient(server.url)
    const simulations = Array.from({ length: 3 }, async (_, index) => {
      const [samples, texts] = index < 2 ? [6, 400] : [1, 100]
      const { simulateWorkflow } = await client.ask(SIMULATE, {
        input: { definition: waiting(samples), input: input(texts) },
      })
      return simulateWorkflow.__typename
    })
    expect(await ended(server, await execute(server, SMALL))).toMatchObject({ status: 'COMPLETED' })
    expect(await ended(server, refused)).toMatchObject({ error: { code: 'CONFIG_TOO_LARGE' } })
    for (const id of allowed) expect(await ended(server, id)).toMatchObject({ status: 'COMPLETED' })
    expect(new Set(await Promise.all(simulations))).toEqual(new Set(['SimulateWorkflowPayload']))
  },
  TEST_MS,
)

test(
  'unused signals of executions that are paused together, and inputs of executions that come due together, do not end a server with a heap of 512 MB',
  async () => {
    const server = await start()
    const { pool } = database
    const lists = `[${Array(340_000).fill('[]').join(',')}]`
    const waiting = { nodes: [{ id: 'ask', type: 'core.waitForSignal', config: { name: 'go' } }], edges: [] }
    const parked = await Promise.all(Array.from({ length: 8 }, () => execute(server, waiting)))
    const thereAre = (count: number, status: string) =>
      until(
        `${count} executions are ${status}`,
        async () => (await pool.query('SELECT FROM jobs WHERE status = $1', [status])).rows.length === count,
        PATIENCE_MS,
      )
    await thereAre(8, 'WAITING')
    // As if each had been sent as many signals as an inbox takes.
    await pool.query(
      `WITH job AS (UPDATE jobs SET commands_sent = commands_sent + 7 RETURNING owner_id, id, commands_sent - 7 AS before)
       INSERT INTO commands (owner_id, job_id, number, kind, payload)
       SELECT owner_id, id, before + n, 'SIGNAL', json_build_object('name', 'other', 'path', NULL, 'payload', $1::json)
       FROM job, generate_series(1, 7) AS n`,
      [lists],
    )
    const client = createGraphqlClient(server.url)
    await Promise.all(parked.map((id) => client.ask(PAUSE, { id })))
    await thereAre(8, 'PAUSED')

    const runAt = new Date(Date.now() + 3_600_000).toISOString()
    const later = { input: { definition: SMALL, runAt } }
    await Promise.all(Array.from({ length: 30 }, () => client.ask(EXECUTE, later)))
    const due = `SELECT id FROM jobs WHERE status = 'QUEUED'`
    await pool.query(`UPDATE executions SET input = $1::json WHERE id IN (${due})`, [lists])
    await pool.query(`UPDATE executions SET run_at = now() WHERE id IN (${due})`)
    await pool.query(`UPDATE jobs SET wake_at = now() WHERE status = 'QUEUED'`)
    await thereAre(30, 'COMPLETED')
    const { rows } = await pool.query('SELECT FROM jobs WHERE recoveries > 0')
    expect(rows).toEqual([])
  },
  TEST_MS,
)

test(
  'waits with a long schema each, and real tests of blocks that run together, do not end a server with a heap of 512 MB',
  async () => {
    const server = await start()
    const { pool } = database
    const items = Array.from({ length: 650 }, (_, i) => i)
    const ask = { id: 'ask', type: 'core.waitForSignal', config: { name: 'go', schema: { const: 1 } } }
    const looping = {
      nodes: [
        {
          id: 'loop',
          type: 'core.forEach',
          config: { items: '{{ input }}', concurrency: 100, body: { nodes: [ask], edges: [] } },
        },
      ],
      edges: [],
    }
    const id = await execute(server, looping, items)
    const isIn = (status: string) =>
      until(
        `the execution is ${status}`,
        async () => (await pool.query('SELECT FROM jobs WHERE status = $1', [status])).rows.length === 1,
        PATIENCE_MS,
      )
    await isIn('WAITING')
    // As if a template had made a schema of 64 kB for each item, which takes 840 kB once it is parsed.
    const examples: Json = Array.from({ length: 21_000 }, () => [])
    await recordAgain(pool, await keyOf(id), ({ status, path }) => {
      const schema = { title: path, examples }
      const wait = { kind: 'signal', name: 'go', schema, timeoutHandle: null } as const
      return status === 'WAITING' ? { wait } : null
    })
    const client = createGraphqlClient(server.url)
    const signal = async (path?: string) =>
      (await client.ask(SIGNAL, { input: { id, name: 'go', payload: [], path } })).signalExecution
    expect((await signal()).__typename).toBe('InputInvalid')
    await client.ask(PAUSE, { id })
    await isIn('PAUSED')
    // The execution has begun again once both are used.
    for (const path of ['loop[0]/ask', 'loop[649]/ask'])
      expect(await signal(path)).toMatchObject({ __typename: 'SignalExecutionPayload' })
    await client.ask(RESUME, { id })
    await until(
      'the signals are used',
      async () =>
        (await pool.query(`SELECT FROM commands WHERE kind = 'SIGNAL' AND used_by IS NOT NULL`)).rows
          .length === 2,
      PATIENCE_MS,
    )

    const { config } = call('', '/largest') as { config: JsonObject }
    const tests = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const { testBlock } = await client.ask(TEST_BLOCK, {
          input: { type: 'api.http', config, mode: 'REAL' },
        })
        return testBlock.__typename === 'TestBlockPayload' ? testBlock.status : testBlock.__typename
      }),
    )
    expect(tests).toEqual(Array(10).fill('COMPLETED'))
  },
  TEST_MS,
)

test(
  'a hundred long texts that arrive at once, and two hundred answers that stall, do not end a server with a heap of 512 MB',
  async () => {
    const server = await start()
    const looping = (path: string): JsonObject => ({
      nodes: [
        {
          id: 'loop',
          type: 'core.forEach',
          config: {
            items: '{{ input }}',
            concurrency: 100,
            onItemError: 'skip',
            body: { nodes: [call('page', path)], edges: [] },
          },
        },
      ],
      edges: [],
      limits: { concurrency: 100 },
    })
    const items = Array.from({ length: 100 }, (_, i) => i)
    const texts = await execute(server, looping('/long-text'), items)
    expect(await ended(server, await execute(server, SMALL))).toMatchObject({ status: 'COMPLETED' })
    expect(await ended(server, texts)).toMatchObject({ status: 'COMPLETED', output: [] })

    for (let n = 0; n < 2; n++) await execute(server, looping('/stalled'), items)
    await until('200 answers are begun', () => stalled.length >= 200, 30_000)
    const received = () => stalled.reduce((sum, { socket }) => sum + (socket?.bytesWritten ?? 0), 0)
    let before = -1
    await until(
      'no answer is read on',
      async () => {
        const now = received()
        const isStable = now === before
        before = now
        await new Promise((resolve) => setTimeout(resolve, 300))
        return isStable
      },
      PATIENCE_MS,
    )
    expect(await ended(server, await execute(server, SMALL))).toMatchObject({ status: 'COMPLETED' })
    // 200 answers of 9.8 MB are 2 GB.
    if (process.platform === 'linux') expect(memoryOf(server.pid)).toBeLessThan(800 * 1024 * 1024)
  },
  TEST_MS,
)
