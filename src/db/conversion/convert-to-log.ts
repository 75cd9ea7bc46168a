import type pg from 'pg'
import type { JobId } from '../../lib/index.ts'
import type { Logger } from '../../lib/log/index.ts'
import { MIGRATION_LOCK } from '../sql/index.ts'
import { convertJobs } from './convert-jobs.ts'
import type { OldJob } from './old-records.ts'

/** The number of jobs that one transaction converts. */
export const CONVERSION_BATCH_JOBS = 100
/** Progress is logged after this many jobs. */
const PROGRESS_JOBS = 10_000

export interface ConversionOptions {
  readonly logger: Pick<Logger, 'info'>
  /** Default: `CONVERSION_BATCH_JOBS`. */
  readonly batchJobs?: number
}

/**
 * Writes the logs of all jobs that an earlier build has stored in tables, in batches of one transaction each, and returns their number.
 * A conversion that was cut off continues where it stopped. Any number of starters may call it at once: one converts, the others wait.
 * No job may be claimed before it has returned: the migration before it refuses while a worker of an earlier build holds a job.
 */
export async function convertToLog(pool: pg.Pool, options: ConversionOptions): Promise<number> {
  const client = await pool.connect()
  try {
    if (!(await isPending(client))) {
      client.release()
      return 0
    }
    // The lock outlasts the transaction, whose time is not limited.
    await inTransaction(client, () => client.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]))
    const count = (await isPending(client)) ? await convertAll(client, options) : 0
    await client.query('SELECT pg_advisory_unlock($1)', [MIGRATION_LOCK])
    client.release()
    return count
  } catch (failure) {
    // Closing the connection rolls back and gives the lock back, also when it is the connection that failed.
    client.release(true)
    throw failure
  }
}

/**
 * A job that an earlier build has stored: it has events, and no entry. This build stores a start in the same way, but none before all jobs
 * are converted.
 */
const IS_UNLOGGED = 'entry_no = 0 AND last_seq > 0'

/** A database has a row in this table until all of its jobs are converted. */
async function isPending(client: pg.PoolClient): Promise<boolean> {
  const { rowCount } = await client.query('SELECT FROM log_conversion')
  return rowCount === 1
}

async function convertAll(
  client: pg.PoolClient,
  { logger, batchJobs = CONVERSION_BATCH_JOBS }: ConversionOptions,
): Promise<number> {
  logger.info('converting the jobs of an earlier build')
  let count = 0
  for (;;) {
    const converted = await inTransaction(client, () => convertBatch(client, batchJobs))
    if (converted === 0) break
    if (Math.floor((count + converted) / PROGRESS_JOBS) > Math.floor(count / PROGRESS_JOBS))
      logger.info({ jobs: count + converted }, 'converting the jobs of an earlier build')
    count += converted
  }
  logger.info({ jobs: count }, 'converted the jobs of an earlier build')
  return count
}

/**
 * Returns the number of jobs that it converted. After the last one it deletes the mark that jobs are to be converted, and drops the tables
 * of the earlier build.
 */
async function convertBatch(client: pg.PoolClient, limit: number): Promise<number> {
  const { rows: jobs } = await client.query<OldJob>(
    `SELECT id, owner_id AS "ownerId", last_seq AS "lastSeq" FROM jobs
     WHERE id > COALESCE((SELECT converted_to FROM log_conversion), '00000000-0000-0000-0000-000000000000') AND ${IS_UNLOGGED}
     ORDER BY id LIMIT $1 FOR NO KEY UPDATE`,
    [limit],
  )
  const newest: JobId | undefined = jobs.at(-1)?.id
  if (newest === undefined) {
    await client.query('DELETE FROM log_conversion')
    await client.query('SELECT lume_drop_replaced_tables()')
    return 0
  }
  await convertJobs(client, jobs)
  await client.query('UPDATE log_conversion SET converted_to = $1', [newest])
  return jobs.length
}

async function inTransaction<Result>(client: pg.PoolClient, work: () => Promise<Result>): Promise<Result> {
  await client.query('BEGIN')
  await client.query('SET LOCAL statement_timeout = 0')
  const result = await work()
  await client.query('COMMIT')
  return result
}
