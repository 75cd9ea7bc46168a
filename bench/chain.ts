import { randomUUID } from 'node:crypto'
import { createClient } from 'graphql-ws'
import type pg from 'pg'
import { WebSocket } from 'ws'
import { EndWatch } from './end-watch.ts'
import { inFlight, openBenchEnvironment, TWO_HUNDRED_BYTES, type BenchEnvironment } from './environment.ts'

// Workload: a chain of ten external no-op steps with 200-byte outputs, fifty executions in flight, started over GraphQL.
// Every external step is committed (fsync and synchronous_commit on) before the next one starts.
// Baseline: a loop that records the same facts with one lean statement, and so one Postgres commit, per step; no engine,
// no GraphQL. `ratio` is against one such loop on one connection; `ratioToTen` against ten of them at once, which is as
// much as one commit per step can give here.

const STEPS = 10
const IN_FLIGHT = 50
const EXECUTIONS = Number(process.env.BENCH_EXECUTIONS ?? 1_000)
const WARM_UP = 100

const definition = {
  nodes: Array.from({ length: STEPS }, (_, i) => ({ id: `step${i}`, type: 'bench.noop', config: {} })),
  edges: Array.from({ length: STEPS - 1 }, (_, i) => ({ source: `step${i}`, target: `step${i + 1}` })),
  output: 'done',
}

const BASELINE_STEP = `
  WITH job AS (
    UPDATE bench_jobs SET last_seq = $2::int * 2, status = $5, progress = $7
    WHERE id = $1 AND last_seq = ($2::int - 1) * 2 RETURNING id
  ), event AS (
    INSERT INTO bench_events SELECT id, $2::int * 2 - 1, now(), 'STEP_STARTED', $6::json FROM job
    UNION ALL SELECT id, $2::int * 2, now(), 'STEP_COMPLETED', $6::json FROM job
  ), value AS (
    INSERT INTO bench_values SELECT id, $3, '{}', $4::json FROM job
  )
  INSERT INTO bench_steps SELECT id, $3, 'COMPLETED', 1, now(), now() FROM job`

const EXECUTE = /* GraphQL */ `
  mutation BenchChain($definition: JSON!) {
    executeWorkflow(input: { definition: $definition }) {
      ... on ExecuteWorkflowPayload {
        job {
          id
        }
      }
    }
  }
`

const environment = await openBenchEnvironment()
try {
  await createBaselineTables(environment.pool)
  await runLume(environment, WARM_UP)
  await runBaseline(environment.pool, WARM_UP, 1)
  const oneLoop = await runBaseline(environment.pool, EXECUTIONS / 5, 1)
  const tenLoops = await runBaseline(environment.pool, EXECUTIONS, 10)
  const lume = await runLume(environment, EXECUTIONS)
  await requireAllCommitted(environment.pool)
  console.log(
    JSON.stringify({
      bench: 'chain',
      stepsPerSecond: Math.round(lume),
      baselineStepsPerSecond: Math.round(oneLoop),
      ratio: Number((lume / oneLoop).toFixed(2)),
      tenLoopsStepsPerSecond: Math.round(tenLoops),
      ratioToTen: Number((lume / tenLoops).toFixed(2)),
      executions: EXECUTIONS,
      steps: STEPS,
      inFlight: IN_FLIGHT,
    }),
  )
} finally {
  await environment.close()
}

/** Steps per second, from the first start to the last end. Starts are sent over one WebSocket, as a front end's are. */
async function runLume(environment: BenchEnvironment, executions: number): Promise<number> {
  const client = createClient({
    url: environment.server.url.replace('http', 'ws'),
    webSocketImpl: WebSocket,
    lazy: false,
  })
  const ends = new EndWatch(environment)
  const startedAt = performance.now()
  await inFlight(executions, IN_FLIGHT, async () => {
    const answers = client.iterate<Started>({ query: EXECUTE, variables: { definition } })
    const { value } = await answers.next()
    const [, id = ''] = Buffer.from(value?.data?.executeWorkflow.job.id ?? '', 'base64')
      .toString()
      .split(':')
    await ends.of(id)
  })
  const seconds = (performance.now() - startedAt) / 1_000
  ends.close()
  await client.dispose()
  return (executions * STEPS) / seconds
}

interface Started {
  readonly executeWorkflow: { readonly job: { readonly id: string } }
}

async function createBaselineTables(pool: pg.Pool): Promise<void> {
  await pool.query(`
    CREATE TABLE bench_jobs (id uuid PRIMARY KEY, status text NOT NULL, last_seq int NOT NULL, progress float8 NOT NULL);
    CREATE TABLE bench_events (job_id uuid, seq int, at timestamptz, kind text, body json, PRIMARY KEY (job_id, seq));
    CREATE TABLE bench_steps (job_id uuid, path text, status text, attempt int, started_at timestamptz,
      finished_at timestamptz, PRIMARY KEY (job_id, path));
    CREATE TABLE bench_values (job_id uuid, path text, config json, output json, PRIMARY KEY (job_id, path));
  `)
}

/**
 * What a lean engine without group commit does: it records the same facts (the job's row, two events, the step, its
 * values), by one prepared statement and so with one commit per step.
 */
async function runBaseline(pool: pg.Pool, executions: number, loops: number): Promise<number> {
  const output = JSON.stringify(TWO_HUNDRED_BYTES)
  const startedAt = performance.now()
  await inFlight(executions, loops, async () => {
    const id = randomUUID()
    await pool.query({
      name: 'bench-start',
      text: `INSERT INTO bench_jobs VALUES ($1, 'RUNNING', 0, 0)`,
      values: [id],
    })
    for (let step = 1; step <= STEPS; step++) {
      const path = `step${step}`
      const body = JSON.stringify({ path, nodeId: path, attempt: 1 })
      const status = step === STEPS ? 'COMPLETED' : 'RUNNING'
      const values = [id, step, path, output, status, body, step / STEPS]
      await pool.query({ name: 'bench-step', text: BASELINE_STEP, values })
    }
  })
  return (executions * STEPS) / ((performance.now() - startedAt) / 1_000)
}

/** A measurement counts only if every external step was committed. */
async function requireAllCommitted(pool: pg.Pool): Promise<void> {
  const { rows } = await pool.query<{ steps: number; jobs: number }>(
    `SELECT (SELECT count(*)::int FROM steps WHERE status = 'COMPLETED') AS steps,
            (SELECT count(*)::int FROM jobs WHERE status = 'COMPLETED') AS jobs`,
  )
  const executions = EXECUTIONS + WARM_UP
  if (rows[0]?.jobs !== executions || rows[0].steps !== executions * STEPS) {
    throw new Error(`not everything was committed: ${JSON.stringify(rows[0])}`)
  }
}
