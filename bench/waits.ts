import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { createLume, type Lume } from '../src/app.ts'
import type { StartRequest } from '../src/jobs/start/index.ts'
import { ownerId } from '../src/lib/index.ts'
import { startPostgres } from '../test/support/postgres-server.ts'
import { inFlight } from './measure/in-flight.ts'
import { percentile } from './measure/samples.ts'

// Workload: ten thousand executions that wait for a signal, then ten thousand that wait for timers which come due evenly
// over half a minute, then a thousand whose timers come due while the process is closed.
// Memory is that of the whole process after two full garbage collections, above the same process when it had run a
// thousand executions and had nothing to do. Lateness is from when a timer was due to the end of its execution, which
// is behind the timer: claimed, loaded, recorded.

const EXECUTIONS = Number(process.env.BENCH_EXECUTIONS ?? 10_000)
const WARM_UP = 1_000
const WHILE_CLOSED = 1_000
const IN_FLIGHT = 50
const SPREAD_MS = 30_000
const LOOK_EVERY_MS = 250
const OWNER = ownerId('bench')

const noop = { nodes: [{ id: 'one', type: 'core.transform', config: { value: 1 } }], edges: [] }
const signalWait = { nodes: [{ id: 'ask', type: 'core.waitForSignal', config: { name: 'go' } }], edges: [] }
const timerWait = {
  nodes: [{ id: 'wait', type: 'core.delay', config: { duration: '{{ input.ms }}' } }],
  edges: [],
}

const { gc } = globalThis
if (!gc) throw new Error('run this with `npm run bench:waits`: it needs --expose-gc')
const collect = gc

const postgres = process.env.DATABASE_URL
  ? { url: process.env.DATABASE_URL, stop: async () => {} }
  : await startPostgres({ isDurable: true })
const pool = new pg.Pool({ connectionString: postgres.url, max: 2 })
let lume = await open()
try {
  await startMany(WARM_UP, () => [noop, null])
  await all('finished_at IS NOT NULL')
  const idleMb = await memoryMb()
  const parked = async () => {
    await all(`finished_at IS NOT NULL OR status = 'WAITING'`)
    return {
      // Jobs that wait and that a worker holds.
      slots: await count(`holder IS NOT NULL AND finished_at IS NULL`),
      aboveIdleMb: rounded((await memoryMb()) - idleMb),
    }
  }

  await startMany(EXECUTIONS, () => [signalWait, null])
  const signals = await parked()
  const signalSeconds = await wakeAll()
  print('signals', { ...signals, idleMb: rounded(idleMb), wokenPerSecond: EXECUTIONS / signalSeconds })

  const firstDueAt = Date.now() + parkMs(EXECUTIONS)
  await startMany(EXECUTIONS, (index) => [
    timerWait,
    { ms: firstDueAt + (index * SPREAD_MS) / EXECUTIONS - Date.now() },
  ])
  const timers = await parked()
  const wereParkedBefore = Date.now() < firstDueAt
  await all('finished_at IS NOT NULL')
  const lateMs = await lateness()
  print('timers', {
    ...timers,
    wereParkedBefore,
    duePerSecond: EXECUTIONS / (SPREAD_MS / 1_000),
    lateP50Ms: percentile(lateMs, 0.5),
    lateP99Ms: percentile(lateMs, 0.99),
    lateMaxMs: percentile(lateMs, 1),
  })

  const dueAt = Date.now() + parkMs(WHILE_CLOSED)
  await startMany(WHILE_CLOSED, () => [timerWait, { ms: dueAt - Date.now() }])
  await parked()
  await lume.close()
  await sleep(Math.max(0, dueAt + parkMs(0) - Date.now()))
  lume = await open()
  const openedAt = performance.now()
  await all('finished_at IS NOT NULL')
  print('due while closed', {
    timers: WHILE_CLOSED,
    secondsFromStart: (performance.now() - openedAt) / 1_000,
  })
} finally {
  await lume.close()
  await pool.end()
  await postgres.stop()
}

function open(): Promise<Lume> {
  return createLume({ databaseUrl: postgres.url, logLevel: 'warn' })
}

/** Time enough to start and park so many, on a machine of any speed worth measuring. */
function parkMs(executions: number): number {
  return 10_000 + executions * 8
}

async function startMany(
  count: number,
  request: (index: number) => readonly [definition: object, input: StartRequest['input']],
): Promise<void> {
  await inFlight(count, IN_FLIGHT, async (index) => {
    const [definition, input] = request(index)
    const started = await lume.services.start({
      ownerId: OWNER,
      type: 'WORKFLOW',
      definition,
      workflowId: null,
      input,
      mode: 'production',
      intent: 'queue',
    })
    if (started.kind !== 'started') throw new Error(JSON.stringify(started))
  })
}

/** Resolves when every job is so. */
async function all(condition: string): Promise<void> {
  while ((await count(`NOT coalesce(${condition}, false)`)) > 0) await sleep(LOOK_EVERY_MS)
}

/** Sends every waiting job its signal; gives the seconds until all have ended. */
async function wakeAll(): Promise<number> {
  const { rows } = await pool.query<{ id: string }>(`SELECT id FROM jobs WHERE status = 'WAITING'`)
  const startedAt = performance.now()
  await inFlight(rows.length, IN_FLIGHT, async (index) => {
    const sent = await lume.jobs.signalJob(rows[index]?.id ?? '', { name: 'go' })
    if (sent.kind !== 'sent') throw new Error(JSON.stringify(sent))
  })
  await all('finished_at IS NOT NULL')
  return (performance.now() - startedAt) / 1_000
}

async function count(condition: string): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM jobs WHERE ${condition}`,
  )
  return rows[0]?.count ?? 0
}

/** How long after its timer was due each job ended. */
async function lateness(): Promise<number[]> {
  const { rows } = await pool.query<{ late: number }>(
    `SELECT extract(epoch FROM j.finished_at - (e.body->>'until')::timestamptz)::float8 * 1000 AS late
     FROM jobs j JOIN job_events e ON e.owner_id = j.owner_id AND e.job_id = j.id
     WHERE e.kind = 'STEP_WAITING' AND e.body->>'waitsFor' = 'timer'`,
  )
  return rows.map(({ late }) => late)
}

async function memoryMb(): Promise<number> {
  for (let i = 0; i < 2; i++) {
    collect()
    await sleep(500)
  }
  return process.memoryUsage().rss / 1024 / 1024
}

function print(what: string, numbers: Readonly<Record<string, number | boolean>>): void {
  const entries = Object.entries(numbers).map(([name, value]) => [
    name,
    typeof value === 'number' ? rounded(value) : value,
  ])
  console.log(JSON.stringify({ bench: 'waits', what, ...Object.fromEntries(entries) }))
}

function rounded(value: number): number {
  return Number(value.toFixed(1))
}
