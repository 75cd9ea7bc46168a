import type { Logger } from '../lib/log/index.ts'
import { convertToLog } from './conversion/index.ts'
import type { Database } from './connect.ts'
import { migrate } from './migrations/index.ts'

/** The embedded folder is copied under this suffix before its jobs get logs. */
const COPY_SUFFIX = 'before-log'

/**
 * Brings the database to this build's schema, and what earlier builds stored to the form that this build reads. To be called before any
 * job is claimed. The folder of an embedded database with jobs of an earlier build is copied first.
 *
 * Throws what `migrate` and `convertToLog` throw.
 */
export async function upgrade(database: Database, logger: Pick<Logger, 'info'>): Promise<void> {
  const isAlone = database.kind === 'embedded'
  if (isAlone && (await hasOldJobs(database.pool))) {
    const copy = await database.copyFolder(COPY_SUFFIX)
    if (copy !== null) logger.info(`copied the embedded database to ${copy} before its jobs are converted`)
  }
  await migrate(database.pool, { isAlone, logger })
  await convertToLog(database.pool, { logger })
}

async function hasOldJobs(pool: Database['pool']): Promise<boolean> {
  const { rows } = await pool.query<{ jobs: boolean; mark: boolean }>(
    `SELECT to_regclass('jobs') IS NOT NULL AS jobs, to_regclass('log_conversion') IS NOT NULL AS mark`,
  )
  const [tables] = rows
  if (!tables?.jobs) return false
  const { rowCount } = await pool.query(`SELECT FROM ${tables.mark ? 'log_conversion' : 'jobs'} LIMIT 1`)
  return rowCount === 1
}
