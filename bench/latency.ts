import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { openBenchEnvironment, percentile, type BenchEnvironment } from './environment.ts'

// Workload: one external step, one execution at a time, from the call of `executeWorkflow` to the terminal event on a
// subscription, both over one open WebSocket.
// Baseline: what no durable engine can do without: two commits on one connection, one after the other, for the accepted
// start and for the end.

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 300)
const WARM_UP = 50

const definition = { nodes: [{ id: 'step', type: 'bench.noop', config: {} }], edges: [] }

const EXECUTE = /* GraphQL */ `
  mutation BenchLatency($definition: JSON!) {
    executeWorkflow(input: { definition: $definition }) {
      ... on ExecuteWorkflowPayload {
        job {
          id
        }
      }
    }
  }
`
const WATCH = /* GraphQL */ `
  subscription BenchWatch($jobId: ID!) {
    jobEvents(jobId: $jobId) {
      events {
        kind
      }
    }
  }
`

const environment = await openBenchEnvironment()
try {
  await environment.pool.query('CREATE TABLE bench_commits (id int PRIMARY KEY, value text NOT NULL)')
  await environment.pool.query(`INSERT INTO bench_commits VALUES (1, '')`)
  await measureLume(environment, WARM_UP)
  await measureCommits(environment, WARM_UP)
  const commits = await measureCommits(environment, ROUNDS)
  const lume = await measureLume(environment, ROUNDS)
  const p50 = percentile(lume, 0.5)
  const baselineP50 = percentile(commits, 0.5)
  console.log(
    JSON.stringify({
      bench: 'latency',
      p50Ms: Number(p50.toFixed(2)),
      p95Ms: Number(percentile(lume, 0.95).toFixed(2)),
      baselineP50Ms: Number(baselineP50.toFixed(2)),
      baselineP95Ms: Number(percentile(commits, 0.95).toFixed(2)),
      ratio: Number((p50 / baselineP50).toFixed(2)),
      rounds: ROUNDS,
    }),
  )
} finally {
  await environment.close()
}

/** Milliseconds of each round. */
async function measureLume({ server }: BenchEnvironment, rounds: number): Promise<number[]> {
  const client = createClient({
    url: server.url.replace('http', 'ws'),
    webSocketImpl: WebSocket,
    lazy: false,
  })
  const samples: number[] = []
  for (let round = 0; round < rounds; round++) {
    const startedAt = performance.now()
    let jobId = ''
    for await (const { data } of client.iterate<Started>({ query: EXECUTE, variables: { definition } })) {
      jobId = data?.executeWorkflow.job.id ?? ''
    }
    for await (const { data } of client.iterate<Watched>({ query: WATCH, variables: { jobId } })) {
      if (data?.jobEvents.events.some(({ kind }) => kind === 'JOB_COMPLETED')) break
    }
    samples.push(performance.now() - startedAt)
  }
  await client.dispose()
  return samples
}

interface Started {
  readonly executeWorkflow: { readonly job: { readonly id: string } }
}
interface Watched {
  readonly jobEvents: { readonly events: readonly { readonly kind: string }[] }
}

async function measureCommits({ pool }: BenchEnvironment, rounds: number): Promise<number[]> {
  const client = await pool.connect()
  const samples: number[] = []
  for (let round = 0; round < rounds; round++) {
    const startedAt = performance.now()
    for (const value of ['started', 'ended']) {
      await client.query({
        name: 'bench-commit',
        text: 'UPDATE bench_commits SET value = $1',
        values: [value],
      })
    }
    samples.push(performance.now() - startedAt)
  }
  client.release()
  return samples
}
