import { fork } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:http'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { startPostgres } from '../test/support/postgres-server.ts'
import { startServerProcess, type ServerProcess } from '../test/support/server-process.ts'
import { HOSTILE_REQUESTS, type HostileRequest } from './bounds/hostile-requests.ts'
import { percentile } from './measure/samples.ts'

// What other people notice of one hostile request: the latency of `/health` while a request of at most 6 MiB is processed
// and for two seconds after its answer, in which the garbage that it leaves is collected; then of ten such requests at
// once. The server is the built one (`npm run build`), on Postgres, with a heap of 512 MB. The aim is a p99 of 250 ms for a
// single request, and survival of ten.

const AFTERWARDS_MS = 2_000
const KEY = 'k'.repeat(32)
const ENVIRONMENT = {
  NODE_OPTIONS: '--max-old-space-size=512',
  LUME_API_KEYS: `acme:EDITOR:${KEY}`,
  LUME_RATE_LIMIT: '0',
}

const PROBE = fileURLToPath(new URL('./bounds/health-probe.ts', import.meta.url))
/** Loads what the first start of a process loads. */
const WARM_UP = Buffer.from(
  JSON.stringify({
    query: `mutation($d: JSON) { executeWorkflow(input: { definition: $d }) { ... on ExecuteWorkflowPayload { job { id status } } } }`,
    variables: { d: { nodes: [{ id: 'a', type: 'core.transform', config: { value: 1 } }], edges: [] } },
  }),
)

let databases = 0
const only = process.argv[2]
const postgres = await startPostgres({ isDurable: true })
try {
  console.log(
    `${'request'.padEnd(58)} ${['times', 'answer', 'ms', 'p50', 'p99', 'max'].map((title) => title.padStart(9)).join('')}`,
  )
  for (const hostile of HOSTILE_REQUESTS.filter(({ name }) => only === undefined || name.includes(only))) {
    for (const times of [1, 10]) await measure(hostile, times)
  }
} finally {
  await postgres.stop()
}

async function measure(hostile: HostileRequest, times: number): Promise<void> {
  const databaseUrl = await freshDatabase()
  const server = await startServerProcess({ ...ENVIRONMENT, DATABASE_URL: databaseUrl })
  try {
    const origin = new URL(server.url).origin
    await storeJobs(databaseUrl, hostile.jobs ?? [])
    if (!hostile.isFirst) await send(server, WARM_UP)
    const probe = fork(PROBE, [origin])
    await once(probe, 'spawn')
    const startedAt = performance.now()
    const answers = await Promise.all(Array.from({ length: times }, () => send(server, hostile.body)))
    const tookMs = performance.now() - startedAt
    await new Promise((resolve) => setTimeout(resolve, AFTERWARDS_MS))
    probe.send('stop')
    const [report] = (await once(probe, 'message')) as [ProbeReport]
    const health = [0.5, 0.99, 1].map((share) => percentile(report.latencies, share).toFixed(0))
    const outcome = report.failures > 0 ? 'DIED' : [...new Set(answers)].join(',')
    const figures = [String(times), outcome, tookMs.toFixed(0), ...health]
    console.log(`${hostile.name.padEnd(58)} ${figures.map((figure) => figure.padStart(9)).join('')}`)
  } finally {
    await server.stop()
  }
}

/** A database for each line: an execution that one leaves behind would run under the next. */
async function freshDatabase(): Promise<string> {
  const name = `bounds_${++databases}`
  const client = new pg.Client({ connectionString: postgres.url })
  await client.connect()
  await client.query(`CREATE DATABASE ${name}`)
  await client.end()
  const url = new URL(postgres.url)
  url.pathname = `/${name}`
  return url.href
}

async function storeJobs(connectionString: string, ids: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  await client.query(
    `INSERT INTO jobs (id, owner_id, type, status, finished_at)
     SELECT id, 'acme', 'WORKFLOW', 'CANCELED', now() FROM unnest($1::uuid[]) AS id`,
    [ids],
  )
  await client.end()
}

interface ProbeReport {
  readonly latencies: readonly number[]
  readonly failures: number
}

/** The HTTP status of the answer, with the code of its first error; `closed` when the connection ends without one. */
function send(server: ServerProcess, body: Buffer): Promise<string> {
  return new Promise((resolve) => {
    const call = request(
      server.url,
      {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-api-key': KEY, 'content-length': body.length },
      },
      (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk: string) => {
          if (text.length < 100_000) text += chunk
        })
        response.once('close', () => {
          const code = /"code":"(\w+)"/.exec(text)?.[1]
          resolve(`${response.statusCode}${code === undefined ? '' : ` ${code}`}`)
        })
      },
    )
    call.once('error', () => resolve('closed'))
    call.end(body)
  })
}
