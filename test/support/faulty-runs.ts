import { decodeGlobalId } from '../../src/lib/global-id.ts'
import type { TestDatabase } from './database.ts'
import { createGraphqlClient } from './graphql-client.ts'
import { jobRow, type JobRow } from './jobs.ts'
import { recordOf } from './recorded.ts'
import { EXECUTE } from './runs.ts'
import type { ServerProcess } from './server-process.ts'
import { until } from './until.ts'

export interface FaultyNode {
  readonly type: string
  readonly config?: { readonly [name: string]: unknown }
  readonly timeoutMs?: number
}

export interface FaultyRun {
  readonly jobId: string
  readonly row: JobRow
  readonly events: readonly { readonly kind: string; readonly body: { readonly [field: string]: unknown } }[]
}

/** Starts an execution of one node `faulty`, and a node `next` behind it if there is one; gives the job's id as the tables know it. */
export async function startFaulty(
  server: ServerProcess,
  node: FaultyNode,
  next: FaultyNode | null = null,
): Promise<string> {
  const once = { retry: { maxAttempts: 1 } }
  const definition = {
    nodes: [
      { id: 'faulty', ...once, config: {}, ...node },
      ...(next ? [{ id: 'next', ...once, config: {}, ...next }] : []),
    ],
    edges: next ? [{ source: 'faulty', target: 'next' }] : [],
  }
  const { executeWorkflow } = await createGraphqlClient(server.url).ask(EXECUTE, { input: { definition } })
  if (executeWorkflow.__typename !== 'ExecuteWorkflowPayload')
    throw new Error(JSON.stringify(executeWorkflow))
  return decodeGlobalId(executeWorkflow.job.id)?.id ?? ''
}

/** The same, to the execution's end. */
export async function runFaulty(
  server: ServerProcess,
  database: TestDatabase,
  ...nodes: [FaultyNode, FaultyNode?]
): Promise<FaultyRun> {
  const jobId = await startFaulty(server, ...nodes)
  const row = await endOfJob(database, jobId)
  const { events } = await recordOf(database.pool, jobId)
  return { jobId, row, events }
}

export function endOfJob({ pool }: TestDatabase, jobId: string, patienceMs = 30_000): Promise<JobRow> {
  const look = async () => {
    const row = await jobRow(pool, jobId)
    return row.finished_at && row
  }
  return until(`job ${jobId} has ended`, look, patienceMs)
}
