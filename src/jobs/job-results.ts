import type { JobResults } from '../blocks/leads/index.ts'
import type { ExecutionStore } from '../db/executions/index.ts'
import type { JobStore } from '../db/jobs/index.ts'
import type { TransientRetry } from '../db/outage/index.ts'
import { isTerminal } from '../engine/record/index.ts'
import { parseId, readGlobalId, type JobId, type OwnerId } from '../lib/index.ts'

/** Whether another job can be drawn on. Of another tenant's job nobody learns that it exists (P8). */
export type SourceState = 'ready' | 'notFound' | 'notEnded' | 'withoutResult'

/** How a job stands whose result somebody wants. `jobId`: global or bare. */
export async function sourceState(
  jobs: Pick<JobStore, 'find'>,
  ownerId: OwnerId,
  jobId: string,
): Promise<SourceState> {
  const id = readGlobalId<JobId>('Job', jobId)
  const job = id && (await jobs.find(ownerId, id))
  if (!job) return 'notFound'
  if (!isTerminal(job.status)) return 'notEnded'
  return job.status === 'COMPLETED' ? 'ready' : 'withoutResult'
}

/** Results of jobs, for the steps of their owner. */
export function createJobResults({
  jobs,
  executions,
  retry,
}: {
  readonly jobs: Pick<JobStore, 'find' | 'ownerOf'>
  readonly executions: Pick<ExecutionStore, 'details'>
  /** Carries the reads through outages of the database. */
  readonly retry: Pick<TransientRetry, 'run'>
}): JobResults {
  return { resultOf: (asked) => retry.run(() => read(asked)) }

  async function read({ executionId, jobId }: Parameters<JobResults['resultOf']>[0]) {
    const asking = parseId<JobId>(executionId)
    const ownerId = asking && (await jobs.ownerOf(asking))
    const id = readGlobalId<JobId>('Job', jobId)
    if (!ownerId || !id || (await sourceState(jobs, ownerId, id)) !== 'ready') return null
    const details = await executions.details(id)
    return details && { result: details.output }
  }
}
