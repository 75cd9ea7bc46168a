import { inGroups } from '../../lib/async/index.ts'
import type { JobId } from '../../lib/index.ts'
import { isTransientFault, isUniqueViolation, type Queryable } from '../sql/index.ts'
import { insertStatement, lengthOf, type JobTexts } from './job-insert-statement.ts'
import type { NewJob } from './new-job.ts'

const GROUP_MAX_LENGTH = 8 * 1024 * 1024

/**
 * What became of a job. `refused`: its parent has ended, an ancestor is being canceled, or it must run the published version
 * and does not (`onlyIfPublished`). `taken`: nothing of that applies, but its idempotency key belongs to another job (D9), or
 * its occurrence must not start (P6). Nothing of a job that is refused or taken is stored.
 */
export type Insertion = 'stored' | 'refused' | 'taken'

/** Stores new jobs; all jobs that arrive while one statement is in flight share the next one. */
export function createJobInsert(pool: Queryable): (job: NewJob) => Promise<Insertion> {
  const storeAll = async (insertions: readonly JobTexts[]) => {
    try {
      const { rows } = await pool.query<{ id: JobId; isStored: boolean }>(insertStatement(insertions))
      return rows
    } catch (fault) {
      const [only] = insertions
      // An earlier call has stored it, whose answer was lost.
      if (only && insertions.length === 1 && isUniqueViolation(fault, 'jobs_pkey'))
        return [{ id: only.job.id, isStored: true }]
      throw fault
    }
  }
  const insert = inGroups(
    async (insertions: readonly JobTexts[]): Promise<readonly Insertion[]> => {
      const rows = await storeAll(insertions)
      const verdicts = new Map(rows.map(({ id, isStored }) => [id, isStored ? 'stored' : 'taken'] as const))
      return insertions.map(({ job }) => verdicts.get(job.id) ?? 'refused')
    },
    {
      maxSize: GROUP_MAX_LENGTH,
      sizeOf: lengthOf,
      // Of an answer that was lost none of them knows whether it is stored.
      isOfAll: isTransientFault,
      keyOf: ({ job: { ownerId, idempotency, occurrence } }) =>
        occurrence
          ? `occurrence ${occurrence.scheduleId} ${occurrence.at}`
          : idempotency && `key ${ownerId} ${idempotency.key}`,
    },
  )
  return (job) =>
    insert({
      job,
      input: JSON.stringify(job.input),
      variables: JSON.stringify(job.variables),
      mocks: job.mocks && JSON.stringify(job.mocks),
      metadata: JSON.stringify(job.metadata),
      patched: job.retry ? JSON.stringify(job.retry.patched) : null,
    })
}
