import pg from 'pg'
import { createLume, type Lume } from '../src/app.ts'
import { completed, defineBlock } from '../src/engine/block/index.ts'
import { startServer, type Server } from '../src/http/index.ts'
import { startPostgres } from '../test/support/postgres-server.ts'
import { z } from 'zod'

/** A Postgres server that really writes to its disk, a Lume on it, and its GraphQL server: what a workload runs against. */
export interface BenchEnvironment {
  readonly databaseUrl: string
  readonly pool: pg.Pool
  readonly lume: Lume
  readonly server: Server
  close(): Promise<void>
}

/** An external step that does nothing: what is left is the engine's own cost. */
const noopBlock = defineBlock({
  type: 'bench.noop',
  name: 'No-op',
  description: 'Gives 200 bytes.',
  effect: 'external',
  repeat: 'safe',
  config: z.strictObject({}),
  output: z.json(),
  sample: null,
  run: async () => completed(TWO_HUNDRED_BYTES),
})

export const TWO_HUNDRED_BYTES = 'x'.repeat(198)

export async function openBenchEnvironment(): Promise<BenchEnvironment> {
  const postgres = process.env.DATABASE_URL
    ? { url: process.env.DATABASE_URL, stop: async () => {} }
    : await startPostgres({ isDurable: true })
  const lume = await createLume(
    { databaseUrl: postgres.url, concurrency: 100, logLevel: 'warn' },
    { blocks: [noopBlock] },
  )
  const server = await startServer({ lume, port: 0 })
  const pool = new pg.Pool({ connectionString: postgres.url, max: 10 })
  await requireDurableCommits(pool)
  return {
    databaseUrl: postgres.url,
    pool,
    lume,
    server,
    async close() {
      await server.close()
      await lume.close()
      await pool.end()
      await postgres.stop()
    },
  }
}

async function requireDurableCommits(pool: pg.Pool): Promise<void> {
  const { rows } = await pool.query<{ fsync: string; commit: string }>(
    `SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS commit`,
  )
  if (rows[0]?.fsync !== 'on' || rows[0].commit !== 'on')
    throw new Error('this measurement needs durable commits')
}

/** Runs tasks with a bounded number in flight. */
export async function inFlight(
  count: number,
  width: number,
  task: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0
  const lane = async () => {
    while (next < count) await task(next++)
  }
  await Promise.all(Array.from({ length: width }, lane))
}

/** The value below which a share of the sorted samples lies. */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}
