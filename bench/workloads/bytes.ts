import pg from 'pg'
import type { Row } from '../measure/compare.ts'
import { inFlight } from '../measure/in-flight.ts'
import { until } from '../measure/until.ts'
import { definitionOf } from '../systems/lume.ts'
import { chainOf } from '../systems/system.ts'
import type { Workload } from './workload.ts'

const WIDTH = 20
const WARM_UP = 50

const KINDS: Readonly<Record<string, object>> = {
  'one transform': definitionOf(chainOf(1), 'core.transform', { value: 1 }),
  'five transforms': definitionOf(chainOf(5), 'core.transform', { value: 1 }),
  'ten no-op steps': definitionOf(chainOf(10), 'bench.noop'),
}

export const bytes: Workload = {
  title: 'bytes: what an execution takes in Postgres, indexes included',
  needsServer: true,
  async run({ systems: { startLume }, sizes }) {
    const executions = sizes.scaled(2_000, 100)
    const rows: Row[] = []
    for (const [kind, definition] of Object.entries(KINDS)) {
      const lume = await startLume()
      const client = new pg.Client({ connectionString: lume.database?.url })
      try {
        await client.connect()
        const workflowId = await lume.createWorkflow(definition)
        const runMany = (count: number) => inFlight(count, WIDTH, () => lume.runWorkflow(workflowId))
        await runMany(WARM_UP)
        const before = await settledSize(client)
        await runMany(executions)
        const after = await settledSize(client)
        rows.push([kind, { executions, bytesPerExecution: (after - before) / executions }])
      } finally {
        await client.end()
        await lume.close()
      }
    }
    return { rows, ratios: {} }
  },
}

/** The size of all tables and their indexes, once all executions that have ended are counted. */
async function settledSize(client: pg.Client): Promise<number> {
  await until('all executions are counted', async () => {
    const { rowCount } = await client.query('SELECT FROM uncounted_jobs LIMIT 1')
    return rowCount === 0
  })
  await client.query('VACUUM')
  const { rows } = await client.query<{ size: number }>(
    `SELECT sum(pg_total_relation_size(oid))::float8 AS size FROM pg_class
     WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace`,
  )
  return rows[0]?.size ?? 0
}
