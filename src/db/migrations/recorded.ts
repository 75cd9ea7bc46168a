import { createHash, randomUUID } from 'node:crypto'
import type pg from 'pg'
import { compareVersions, LumeError } from '../../lib/index.ts'
import type { Migration } from './read-migrations.ts'

/** What the database says of a migration that was applied to it. */
export interface RecordedMigration {
  readonly name: string
  readonly checksum: string
  readonly isFinished: boolean
  /** Null: it has no mark. */
  readonly kind: 'expand' | 'contract' | null
  /** Of a contract: the oldest build that works with the database. */
  readonly minBuild: string | null
}

/** Reads which migrations the database has. Creates the tables of this record where they are missing: `_prisma_migrations` is Prisma's. */
export async function readRecorded(client: pg.ClientBase): Promise<ReadonlyMap<string, RecordedMigration>> {
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
    );
    create table if not exists _lume_migrations (
      name      text primary key,
      kind      text not null check (kind in ('expand', 'contract')),
      -- Of a contract: the oldest build that works with the database.
      min_build text check ((kind = 'contract') = (min_build is not null)),
      -- Of a back-fill under way: where its next batch begins.
      progress  text
    )`)
  const { rows } = await client.query<RecordedMigration>(`
    select p.migration_name as name, p.checksum, p.finished_at is not null as "isFinished", m.kind, m.min_build as "minBuild"
    from _prisma_migrations p left join _lume_migrations m on m.name = p.migration_name
    where p.rolled_back_at is null
    order by p.migration_name`)
  return new Map(rows.map((row) => [row.name, row]))
}

/** Whether the database has the migration. */
export async function isRecorded(client: pg.ClientBase, { name }: Pick<Migration, 'name'>): Promise<boolean> {
  const { rowCount } = await client.query(
    'select from _prisma_migrations where migration_name = $1 and rolled_back_at is null',
    [name],
  )
  return rowCount !== 0
}

/** Records a migration as applied, as Prisma does, and its mark. */
export async function record(client: pg.ClientBase, { name, sql, mark }: Migration): Promise<void> {
  await client.query(
    `insert into _prisma_migrations (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
     values ($1, $2, $3, now(), clock_timestamp(), 1)`,
    [randomUUID(), sha256(sql), name],
  )
  if (!mark) return
  await client.query(
    `insert into _lume_migrations (name, kind, min_build) values ($1, $2, $3)
     on conflict (name) do update set progress = null`,
    [name, mark.kind, mark.kind === 'contract' ? mark.minBuild : null],
  )
}

/**
 * Refuses a database that this build cannot work with. Migrations that this build does not know are accepted if they are marked, and no
 * contract among them needs a newer build.
 */
export function requireUsable(
  recorded: ReadonlyMap<string, RecordedMigration>,
  migrations: readonly Migration[],
  build: string,
): void {
  const [newest] = [...recorded.values()]
    .flatMap(({ name, minBuild }) => (minBuild === null ? [] : [{ name, minBuild }]))
    .toSorted((a, b) => compareVersions(b.minBuild, a.minBuild))
  if (newest && compareVersions(build, newest.minBuild) < 0) {
    throw new LumeError(
      'DATABASE_TOO_NEW',
      `migration ${newest.name} was applied to the database, which works with build ${newest.minBuild} and newer ones since; this is ` +
        `build ${build}: start build ${newest.minBuild} or a newer one`,
    )
  }
  const ours = new Map(migrations.map((migration) => [migration.name, migration]))
  for (const { name, checksum, isFinished, kind } of recorded.values()) {
    if (!isFinished) {
      throw new LumeError(
        'MIGRATION_UNFINISHED',
        `migration ${name} was started by another tool and did not finish: mend the database by hand, then run ` +
          `"prisma migrate resolve" with --applied or --rolled-back ${name}, or restore a backup`,
      )
    }
    const migration = ours.get(name)
    if (!migration && kind === null) {
      throw new LumeError(
        'DATABASE_TOO_NEW',
        `the database has migration ${name}, which this build does not know: start a build at least as new as the ` +
          'one that last used it, or, if it belongs to another program, give Lume a separate database',
      )
    }
    if (migration && !checksumsOf(migration.sql).includes(checksum)) {
      throw new LumeError(
        'MIGRATION_EDITED',
        `migration ${name} was edited after it was applied to this database: restore its migration.sql, and make ` +
          'the change in a new migration',
      )
    }
  }
}

/** The checksums that stand for this file: Git may write its line ends either way, and Prisma accepts both too. */
function checksumsOf(sql: string): readonly string[] {
  const unix = sql.replaceAll('\r\n', '\n')
  return [sha256(sql), sha256(unix), sha256(unix.replaceAll('\n', '\r\n'))]
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
