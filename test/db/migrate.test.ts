import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { migrate } from '../../src/db/migrations/migrate.ts'
import { until } from '../support/until.ts'
import { createEmptyDatabase, openPool, type TestDatabase } from '../support/database.ts'

const PROJECT_MIGRATIONS = join(import.meta.dirname, '../../prisma/migrations')
const FIRST = { name: '1_first', sql: 'create table a (x int);\ninsert into a values (1);\n' }
const SECOND = { name: '2_second', sql: 'insert into a values (2); -- with a ; in a comment\n' }

let directory: string
let database: TestDatabase

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lume-migrations-'))
  await write(FIRST)
  database = await createEmptyDatabase()
})

afterEach(async () => {
  await database.drop()
  await rm(directory, { recursive: true })
})

test('the migrations of this build make a database from nothing, once', async () => {
  const names = (await readdir(PROJECT_MIGRATIONS)).filter((name) => !name.endsWith('.toml')).sort()
  expect(await migrate(database.pool)).toEqual(names)
  expect(await migrate(database.pool)).toEqual([])
})

test('a migration is recorded as Prisma records it', async () => {
  await migrate(database.pool, { directory })
  const { rows } = await database.pool.query(
    'select *, finished_at >= started_at as "isOrdered" from _prisma_migrations',
  )
  expect(rows).toEqual([
    expect.objectContaining({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      checksum: createHash('sha256').update(FIRST.sql).digest('hex'),
      migration_name: FIRST.name,
      logs: null,
      rolled_back_at: null,
      applied_steps_count: 1,
      isOrdered: true,
    }),
  ])
})

test('only what is missing is applied, in the order of the names', async () => {
  await migrate(database.pool, { directory })
  await write(SECOND)
  await write({ name: '3_third', sql: 'update a set x = x * 10' })
  expect(await migrate(database.pool, { directory })).toEqual(['2_second', '3_third'])
  expect(await valuesOfA()).toEqual([10, 20])
})

test('three that start at once apply everything once', async () => {
  await write(SECOND)
  const pools = [1, 2, 3].map(() => openPool(database.url))
  const applied = await Promise.all(pools.map((pool) => migrate(pool, { directory })))
  await Promise.all(pools.map((pool) => pool.end()))
  expect(applied.flat().sort()).toEqual([FIRST.name, SECOND.name])
  expect(await valuesOfA()).toEqual([1, 2])
})

test('a migration that was edited after it was applied is refused', async () => {
  await migrate(database.pool, { directory })
  await write({ ...FIRST, sql: `${FIRST.sql} ` })
  await write(SECOND)
  await expect(migrate(database.pool, { directory })).rejects.toMatchObject({
    code: 'MIGRATION_EDITED',
    message: expect.stringContaining('1_first'),
  })
  expect(await valuesOfA()).toEqual([1])
})

test('line ends that Git changed are no edit', async () => {
  await migrate(database.pool, { directory })
  await write({ ...FIRST, sql: FIRST.sql.replaceAll('\n', '\r\n') })
  expect(await migrate(database.pool, { directory })).toEqual([])
})

test('a database that a newer build has migrated is refused', async () => {
  await write(SECOND)
  await migrate(database.pool, { directory })
  await rm(join(directory, SECOND.name), { recursive: true })
  await expect(migrate(database.pool, { directory })).rejects.toMatchObject({
    code: 'DATABASE_TOO_NEW',
    message: expect.stringContaining('2_second'),
  })
})

test('a migration that another tool left unfinished is refused, until it is resolved', async () => {
  await migrate(database.pool, { directory })
  await write(SECOND)
  await database.pool.query(
    `insert into _prisma_migrations (id, checksum, migration_name) values ('x', 'y', '2_second')`,
  )
  await expect(migrate(database.pool, { directory })).rejects.toMatchObject({
    code: 'MIGRATION_UNFINISHED',
    message: expect.stringContaining('prisma migrate resolve'),
  })
  await database.pool.query(`update _prisma_migrations set rolled_back_at = now() where id = 'x'`)
  expect(await migrate(database.pool, { directory })).toEqual(['2_second'])
})

test('a migration that fails leaves the database as it was', async () => {
  await migrate(database.pool, { directory })
  await write(SECOND)
  await write({ name: '3_broken', sql: 'create table b (x int); insert into nowhere values (1)' })
  await expect(migrate(database.pool, { directory })).rejects.toMatchObject({
    code: 'MIGRATION_FAILED',
    message: expect.stringMatching(/3_broken.*"nowhere" does not exist/),
  })
  const { rows } = await database.pool.query<{ migration_name: string }>(
    'select migration_name from _prisma_migrations',
  )
  expect(rows).toEqual([{ migration_name: FIRST.name }])
  expect(await valuesOfA()).toEqual([1])
})

test('a time limit that the database sets for queries is not one for migrations', async () => {
  const limited = openPool(`${database.url}?options=${encodeURIComponent('-c statement_timeout=1000')}`)
  await write({
    name: '2_limit',
    sql: "create table seen as select current_setting('statement_timeout') as setting",
  })
  await migrate(limited, { directory })
  expect((await limited.query('select setting from seen')).rows).toEqual([{ setting: '0' }])
  expect((await limited.query('show statement_timeout')).rows).toEqual([{ statement_timeout: '1s' }])
  await limited.end()
})

// Marked migrations

const EXPAND = { name: '20270101000000_column', sql: '-- lume: expand\nalter table a add column y text;' }
const INDEX = { name: '20270101000001_index', sql: '-- lume: expand, indexes\ncreate index a_x on a (x);' }
const BACK_FILL = {
  name: '20270101000002_fill',
  sql: `-- lume: expand, back-fill
with batch as (
  select x from a where x > coalesce(nullif(current_setting('lume.after'), '')::int, 0) order by x limit 2
), filled as (
  update a set y = 'filled' from batch where a.x = batch.x
)
select max(x)::text as next from batch`,
}
const CONTRACT = { name: '20270101000003_drop', sql: '-- lume: contract 0.2.0\nalter table a drop column y;' }

test('a build starts on a database with newer expand migrations, until a contract migration needs a newer build', async () => {
  for (const migration of [EXPAND, INDEX, BACK_FILL]) await write(migration)
  await migrate(database.pool, { directory, build: '0.2.0' })
  for (const { name } of [EXPAND, INDEX, BACK_FILL]) await rm(join(directory, name), { recursive: true })
  expect(await migrate(database.pool, { directory, build: '0.1.0' })).toEqual([])

  await write(CONTRACT)
  expect(await migrate(database.pool, { directory, build: '0.3.0' })).toEqual([CONTRACT.name])
  await rm(join(directory, CONTRACT.name), { recursive: true })
  expect(await migrate(database.pool, { directory, build: '0.2.0' })).toEqual([])
  await expect(migrate(database.pool, { directory, build: '0.1.9' })).rejects.toMatchObject({
    code: 'DATABASE_TOO_NEW',
    message: expect.stringMatching(/build 0\.1\.9: start build 0\.2\.0 or a newer one$/),
  })
})

test('an expand migration waits for a lock at most a second at a time, and lets other statements through', async () => {
  await migrate(database.pool, { directory })
  await write(EXPAND)
  const reader = await database.pool.connect()
  await reader.query('begin; select from a')
  let waits = 0
  let release = () => {}
  const waited = new Promise<void>((resolve) => (release = resolve))
  const logger = { info: () => void (++waits === 1 && release()) }
  const migrated = migrate(database.pool, { directory, logger })
  await waited
  expect(await valuesOfA()).toEqual([1])
  await reader.query('commit')
  reader.release()
  expect(await migrated).toEqual([EXPAND.name])
})

test('an index is built once while others write', async () => {
  await migrate(database.pool, { directory })
  await write(INDEX)
  const writer = await database.pool.connect()
  await writer.query('begin; insert into a values (7)')
  const pools = [1, 2].map(() => openPool(database.url))
  const migrated = Promise.all(pools.map((pool) => migrate(pool, { directory })))
  await until('the index is being built', async () => (await indexOfA())?.isValid === false)
  await database.pool.query('insert into a values (8)')
  await writer.query('commit')
  writer.release()
  expect((await migrated).flat()).toEqual([INDEX.name])
  await Promise.all(pools.map((pool) => pool.end()))
  expect(await indexOfA()).toEqual({ isValid: true, isUnique: false })
})

test('what an interrupted build of an index has left is dropped, and the index is built', async () => {
  await migrate(database.pool, { directory })
  await database.pool.query('insert into a values (1)')
  // A unique index that cannot be built stays behind as an invalid one, as after a kill.
  await expect(database.pool.query('create unique index concurrently a_x on a (x)')).rejects.toThrow()
  expect(await indexOfA()).toEqual({ isValid: false, isUnique: true })
  await write(INDEX)
  expect(await migrate(database.pool, { directory })).toEqual([INDEX.name])
  expect(await indexOfA()).toEqual({ isValid: true, isUnique: false })
})

test('a back-fill that was cut off continues after its last batch', async () => {
  await migrate(database.pool, { directory })
  await database.pool.query('insert into a select n from generate_series(2, 5) n')
  await write(EXPAND)
  await write({ ...BACK_FILL, sql: BACK_FILL.sql.replace("'filled'", '1 / (4 - a.x)') })
  await expect(migrate(database.pool, { directory })).rejects.toMatchObject({ code: 'MIGRATION_FAILED' })
  await write(BACK_FILL)
  expect(await migrate(database.pool, { directory })).toEqual([BACK_FILL.name])
  const { rows } = await database.pool.query<{ y: string }>('select y from a order by x')
  expect(rows.map(({ y }) => y)).toEqual(['0', '0', 'filled', 'filled', 'filled'])
  expect(
    (await database.pool.query('select name, progress from _lume_migrations order by name')).rows,
  ).toEqual([
    { name: EXPAND.name, progress: null },
    { name: BACK_FILL.name, progress: null },
  ])
})

test('two that start at once on a database with marked migrations apply each once', async () => {
  for (const migration of [EXPAND, INDEX, BACK_FILL]) await write(migration)
  const pools = [1, 2].map(() => openPool(database.url))
  const applied = await Promise.all(pools.map((pool) => migrate(pool, { directory })))
  await Promise.all(pools.map((pool) => pool.end()))
  expect(applied.flat().sort()).toEqual([FIRST.name, EXPAND.name, INDEX.name, BACK_FILL.name])
})

async function indexOfA(): Promise<{ isValid: boolean; isUnique: boolean } | undefined> {
  const { rows } = await database.pool.query<{ isValid: boolean; isUnique: boolean }>(
    `select indisvalid as "isValid", indisunique as "isUnique" from pg_index where indexrelid = to_regclass('a_x')`,
  )
  return rows[0]
}

async function write({ name, sql }: { readonly name: string; readonly sql: string }): Promise<void> {
  await mkdir(join(directory, name), { recursive: true })
  await writeFile(join(directory, name, 'migration.sql'), sql)
}

async function valuesOfA(): Promise<readonly number[]> {
  const { rows } = await database.pool.query<{ x: number }>('select x from a order by x')
  return rows.map(({ x }) => x)
}
