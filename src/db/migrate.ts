import { createHash, randomUUID } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type pg from 'pg'
import { codeOf, LumeError, messageOf } from '../lib/index.ts'
import { MIGRATION_LOCK } from './sql/index.ts'

// The same place from src/db and from dist/db.
const MIGRATIONS = fileURLToPath(new URL('../../prisma/migrations', import.meta.url))

// The error that a migration raises while a process of an earlier build works with the database.
const OLDER_PROCESS = 'LU001'

interface Migration {
  readonly name: string
  readonly sql: string
}

interface RecordedMigration {
  readonly name: string
  readonly checksum: string
  readonly isFinished: boolean
}

/**
 * Brings the database to this build's schema and gives the names of the migrations it applied. Any number of starters
 * may call it at once: one applies, the others wait and find nothing to do. All of it is one transaction: when a
 * migration fails the database is as it was. Records them as Prisma does, so that Prisma's tools can read the history.
 *
 * `isAlone`: no other process can use the database, so a lease that has not ended is that of a dead worker.
 *
 * Throws a LumeError: MIGRATION_EDITED, DATABASE_TOO_NEW, MIGRATION_UNFINISHED, MIGRATION_FAILED, OLDER_PROCESS_RUNNING.
 */
export async function migrate(
  pool: pg.Pool,
  { directory = MIGRATIONS, isAlone = false }: { directory?: string; isAlone?: boolean } = {},
): Promise<readonly string[]> {
  const migrations = await readMigrations(directory)
  const client = await pool.connect()
  try {
    await client.query('begin')
    await client.query(`select set_config('lume.is_alone', $1, true)`, [String(isAlone)])
    const applied = await applyPending(client, migrations)
    await client.query('commit')
    client.release()
    return applied
  } catch (failure) {
    // Closing the connection rolls back, also when it is the connection that failed.
    client.release(true)
    throw failure
  }
}

async function readMigrations(directory: string): Promise<readonly Migration[]> {
  const entries = await readdir(directory, { withFileTypes: true })
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
  return Promise.all(
    names
      .sort()
      .map(async (name) => ({ name, sql: await readFile(join(directory, name, 'migration.sql'), 'utf8') })),
  )
}

async function applyPending(
  client: pg.ClientBase,
  migrations: readonly Migration[],
): Promise<readonly string[]> {
  // A time limit that the role or the database sets is meant for queries, not for the wait or for an index build.
  await client.query('set local statement_timeout = 0')
  await client.query('select pg_advisory_xact_lock($1)', [MIGRATION_LOCK])
  const recorded = await readRecorded(client)
  requireSameHistory(recorded, migrations)

  const pending = migrations.filter(({ name }) => !recorded.has(name))
  for (const migration of pending) await apply(client, migration)
  return pending.map(({ name }) => name)
}

async function readRecorded(client: pg.ClientBase): Promise<ReadonlyMap<string, RecordedMigration>> {
  await client.query(`
    create table if not exists _prisma_migrations (
      id                  varchar(36) primary key not null,
      checksum            varchar(64) not null,
      finished_at         timestamptz,
      migration_name      varchar(255) not null,
      logs                text,
      rolled_back_at      timestamptz,
      started_at          timestamptz not null default now(),
      applied_steps_count integer not null default 0
    )`)
  const { rows } = await client.query<RecordedMigration>(`
    select migration_name as name, checksum, finished_at is not null as "isFinished"
    from _prisma_migrations
    where rolled_back_at is null
    order by migration_name`)
  return new Map(rows.map((row) => [row.name, row]))
}

function requireSameHistory(
  recorded: ReadonlyMap<string, RecordedMigration>,
  migrations: readonly Migration[],
): void {
  const ours = new Map(migrations.map((migration) => [migration.name, migration]))
  for (const { name, checksum, isFinished } of recorded.values()) {
    if (!isFinished) {
      throw new LumeError(
        'MIGRATION_UNFINISHED',
        `migration ${name} was started by another tool and did not finish: mend the database by hand, then run ` +
          `"prisma migrate resolve" with --applied or --rolled-back ${name}, or restore a backup`,
      )
    }
    const migration = ours.get(name)
    if (!migration) {
      throw new LumeError(
        'DATABASE_TOO_NEW',
        `the database has migration ${name}, which this build does not know: start a build at least as new as the ` +
          'one that last used it, or, if it belongs to another program, give Lume a database of its own',
      )
    }
    if (!checksumsOf(migration.sql).includes(checksum)) {
      throw new LumeError(
        'MIGRATION_EDITED',
        `migration ${name} was edited after it was applied to this database: restore its migration.sql, and make ` +
          'the change in a new migration',
      )
    }
  }
}

async function apply(client: pg.ClientBase, { name, sql }: Migration): Promise<void> {
  try {
    await client.query(sql)
  } catch (failure) {
    if (codeOf(failure) === OLDER_PROCESS)
      throw new LumeError('OLDER_PROCESS_RUNNING', messageOf(failure), { cause: failure })
    throw new LumeError(
      'MIGRATION_FAILED',
      `migration ${name} failed and the database was left as it was: ${messageOf(failure)}`,
      { cause: failure },
    )
  }
  await client.query(
    `insert into _prisma_migrations (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
     values ($1, $2, $3, now(), clock_timestamp(), 1)`,
    [randomUUID(), sha256(sql), name],
  )
}

/** The checksums that stand for this file: Git may write its line ends either way, and Prisma accepts both too. */
function checksumsOf(sql: string): readonly string[] {
  const unix = sql.replaceAll('\r\n', '\n')
  return [sha256(sql), sha256(unix), sha256(unix.replaceAll('\n', '\r\n'))]
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
