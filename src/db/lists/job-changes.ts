import type { JobStatus } from '../../engine/record/index.ts'
import type { JobId, OwnerId } from '../../lib/index.ts'
import { shownStatus } from '../jobs/index.ts'
import { StatementValues, type Queryable } from '../sql/index.ts'
import { rowsOf, type RunFilter } from './run-list.ts'

/** A job, and what tells its state from any earlier one. */
export interface ChangedJob {
  readonly id: JobId
  readonly lastSeq: number
  readonly status: JobStatus
}

export interface JobOwner {
  readonly id: JobId
  readonly ownerId: OwnerId
}

export interface ChangesSince {
  readonly since: Date
  /** Only ids beyond this one: how a long answer is read in pages. */
  readonly beyond: JobId | null
  readonly limit: number
}

/** Finds out which of an owner's jobs have changed; only those that the filter leaves. */
export interface JobChanges {
  /** The owners of these jobs, for hints, which carry only the job's id. Jobs that do not exist are left out. */
  ownersOf(ids: readonly JobId[]): Promise<readonly JobOwner[]>
  /** Those of these jobs that are the owner's and fit. */
  among(ownerId: OwnerId, filter: RunFilter, ids: readonly JobId[]): Promise<readonly ChangedJob[]>
  /** Those that something happened to since then, by id. */
  since(ownerId: OwnerId, filter: RunFilter, changes: ChangesSince): Promise<readonly ChangedJob[]>
}

const COLUMNS = `j.id, j.last_seq AS "lastSeq", ${shownStatus('j')} AS status`

export function createJobChanges(pool: Queryable): JobChanges {
  return {
    async ownersOf(ids) {
      const { rows } = await pool.query<JobOwner>(
        'SELECT id, owner_id AS "ownerId" FROM jobs WHERE id = ANY($1::uuid[])',
        [ids],
      )
      return rows
    },
    async among(ownerId, filter, ids) {
      const values = new StatementValues()
      const { from, conditions } = rowsOf(ownerId, filter, { order: 'CREATED_AT', values })
      const { rows } = await pool.query<ChangedJob>(
        `SELECT ${COLUMNS} FROM ${from}
         WHERE j.id = ANY(${values.add(ids)}::uuid[]) AND ${conditions.join(' AND ')} ORDER BY j.id`,
        values.list,
      )
      return rows
    },
    async since(ownerId, filter, { since, beyond, limit }) {
      const values = new StatementValues()
      const { from, conditions } = rowsOf(ownerId, filter, { order: 'CREATED_AT', values })
      const owner = values.add(ownerId)
      const time = values.add(since)
      if (beyond !== null) conditions.push(`j.id > ${values.add(beyond)}::uuid`)
      // Ended jobs are found by their end. Of open jobs, which are few, the entry with the newest event is read: it has the time of its
      // first event, and its events count in milliseconds from there.
      const { rows } = await pool.query<ChangedJob>(
        `WITH changed AS (
           SELECT id FROM jobs WHERE owner_id = ${owner} AND finished_at IS NOT NULL AND finished_at >= ${time}
           UNION ALL
           SELECT id FROM jobs open WHERE owner_id = ${owner} AND finished_at IS NULL
             AND (created_at >= ${time} OR cancel_requested_at >= ${time} OR EXISTS (
               SELECT FROM job_log newest
               WHERE newest.job_id = open.id AND newest.seq = open.last_seq AND (newest.at >= ${time}
                 OR newest.at + (newest.events->-1->>1)::float8 * interval '1 ms' >= ${time})
             ))
         )
         SELECT ${COLUMNS} FROM ${from}
         WHERE j.id IN (SELECT id FROM changed) AND ${conditions.join(' AND ')}
         ORDER BY j.id LIMIT ${values.add(limit)}`,
        values.list,
      )
      return rows
    },
  }
}
