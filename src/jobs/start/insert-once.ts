import {
  NotPublishedError,
  OccurrenceTakenError,
  ParentEndedError,
  type InsertResult,
  type JobStore,
  type NewJob,
} from '../../db/jobs/index.ts'
import { REQUEST_MAX_REPEATS, type TransientRetry } from '../../db/outage/index.ts'
import { isOutcomeUnknown } from '../../db/sql/index.ts'

export interface InsertOncePorts {
  readonly jobs: Pick<JobStore, 'find' | 'insert'>
  readonly retry: Pick<TransientRetry, 'run'>
}

export type InsertOnceResult =
  /** `isOfNow`: false where an earlier attempt may have stored it, so that a worker may have changed it since. */
  { readonly kind: 'inserted'; readonly isOfNow: boolean } | Extract<InsertResult, { kind: 'taken' }>

/**
 * Stores a job, and repeats that a few times where the database fails. A statement whose answer was lost may have stored the job: its id
 * shows that, so the job is never stored twice. Rejects with what `insert` rejects with, or with an error of the database that passes:
 * then it is not known whether the job is stored, unless the error says that the statement took no effect.
 */
export function insertOnce({ jobs, retry }: InsertOncePorts, job: NewJob): Promise<InsertOnceResult> {
  let lost: unknown = null
  const insert = async (): Promise<InsertOnceResult> => {
    try {
      if (lost !== null && (await jobs.find(job.ownerId, job.id))) return { kind: 'inserted', isOfNow: false }
      const result = await jobs.insert(job)
      return result.kind === 'inserted' ? { ...result, isOfNow: lost === null } : result
    } catch (fault) {
      if (isOutcomeUnknown(fault)) lost = fault
      // The server may still work on the statement whose answer was lost, which came before whatever refuses this one.
      if (lost !== null && isRefusal(fault)) throw lost
      throw fault
    }
  }
  return retry.run(insert, { maxRepeats: REQUEST_MAX_REPEATS })
}

function isRefusal(fault: unknown): boolean {
  return (
    fault instanceof NotPublishedError ||
    fault instanceof OccurrenceTakenError ||
    fault instanceof ParentEndedError
  )
}
