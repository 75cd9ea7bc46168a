import { fileURLToPath } from 'node:url'
import type pg from 'pg'
import { BUILD_VERSION, codeOf, LumeError, messageOf } from '../../lib/index.ts'
import type { Logger } from '../../lib/log/index.ts'
import { MIGRATION_LOCK } from '../sql/index.ts'
import { backFill } from './back-fill.ts'
import { buildConcurrently } from './concurrent-index.ts'
import { indexesOf, readMigrations, type Migration } from './read-migrations.ts'
import { isRecorded, readRecorded, record, requireUsable } from './recorded.ts'
import { inShortTransaction, type LockWait } from './short-transaction.ts'

// The same place from src/db/migrations and from dist/db/migrations.
const MIGRATIONS = fileURLToPath(new URL('../../../prisma/migrations', import.meta.url))

// The error that a migration raises while a process of an earlier build works with the database.
const OLDER_PROCESS = 'LU001'

export interface MigrateOptions {
  /** Default: the migrations of this build. */
  readonly directory?: string
  /** The version of the build. Default: that of the package. */
  readonly build?: string
  /** No other process can use the database, so a lease that has not ended is that of a dead worker. Default false. */
  readonly isAlone?: boolean
  /** Logs when a migration waits for a lock. */
  readonly logger?: Pick<Logger, 'info'>
}

/**
 * Brings the database to this build's schema and returns the names of the migrations that it applied. Any number of starters may call it
 * at once: each migration is applied by one of them, and the others wait for it. Records them as Prisma does, so that Prisma's tools can
 * read the history.
 *
 * Migrations without a mark are one transaction together. Each marked one is applied by itself, while other processes use the database:
 * in one short transaction, or, for indexes and back-fills, in steps that a later call continues. One that fails is not recorded.
 *
 * Migrations of newer builds are accepted in the database as long as this build can work with them.
 *
 * Throws a LumeError: MIGRATION_INVALID, MIGRATION_EDITED, DATABASE_TOO_NEW, MIGRATION_UNFINISHED, MIGRATION_FAILED,
 * OLDER_PROCESS_RUNNING.
 */
export async function migrate(pool: pg.Pool, options: MigrateOptions = {}): Promise<readonly string[]> {
  const { directory = MIGRATIONS, build = BUILD_VERSION, isAlone = false, logger } = options
  const migrations = await readMigrations(directory, build)
  const client = await pool.connect()
  try {
    const { applied, pending } = await applyUnmarked(client, migrations, { build, isAlone })
    const appliedNow = [...applied]
    for (const migration of pending) {
      const onLocked = () => logger?.info({ migration: migration.name }, 'a migration waits for a lock')
      const isApplied = await applying(migration, () =>
        applyMarked(client, migration, { isAlone, wait: { onLocked } }),
      )
      if (isApplied) appliedNow.push(migration.name)
    }
    client.release()
    return appliedNow
  } catch (failure) {
    // Closing the connection rolls back, also when it is the connection that failed.
    client.release(true)
    throw failure
  }
}

/** Applies the migrations without marks, and returns them and the others that are missing. */
async function applyUnmarked(
  client: pg.ClientBase,
  migrations: readonly Migration[],
  { build, isAlone }: { readonly build: string; readonly isAlone: boolean },
): Promise<{ readonly applied: readonly string[]; readonly pending: readonly Migration[] }> {
  await client.query('begin')
  await client.query(`select set_config('lume.is_alone', $1, true)`, [String(isAlone)])
  // Time limits that the role or the database sets are meant for queries, not for the wait or for an index build.
  await client.query('set local statement_timeout = 0; set local lock_timeout = 0')
  await client.query('select pg_advisory_xact_lock($1)', [MIGRATION_LOCK])
  const recorded = await readRecorded(client)
  requireUsable(recorded, migrations, build)
  const missing = migrations.filter(({ name }) => !recorded.has(name))
  const unmarked = missing.filter(({ mark }) => !mark)
  for (const migration of unmarked) {
    await applying(migration, () => client.query(migration.sql))
    await record(client, migration)
  }
  await client.query('commit')
  return { applied: unmarked.map(({ name }) => name), pending: missing.filter(({ mark }) => mark) }
}

/** Returns false if another process has applied it. */
async function applyMarked(
  client: pg.ClientBase,
  migration: Migration,
  { isAlone, wait }: { readonly isAlone: boolean; readonly wait: LockWait },
): Promise<boolean> {
  if (migration.mark?.step === 'backFill') return backFill(client, migration, wait)
  const isConcurrent = migration.mark?.step === 'indexes' && !isAlone
  if (isConcurrent) for (const index of indexesOf(migration)) await buildConcurrently(client, index, wait)
  return inShortTransaction(
    client,
    async () => {
      if (await isRecorded(client, migration)) return false
      if (!isConcurrent) await client.query(migration.sql)
      await record(client, migration)
      return true
    },
    wait,
  )
}

async function applying<Result>({ name }: Migration, apply: () => Promise<Result>): Promise<Result> {
  try {
    return await apply()
  } catch (failure) {
    if (failure instanceof LumeError) throw failure
    if (codeOf(failure) === OLDER_PROCESS)
      throw new LumeError('OLDER_PROCESS_RUNNING', messageOf(failure), { cause: failure })
    throw new LumeError(
      'MIGRATION_FAILED',
      `migration ${name} failed, and what it did not finish was rolled back: ${messageOf(failure)}`,
      { cause: failure },
    )
  }
}
