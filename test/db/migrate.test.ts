import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { migrate } from '../../src/db/migrate.ts'
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

async function write({ name, sql }: { readonly name: string; readonly sql: string }): Promise<void> {
  await mkdir(join(directory, name), { recursive: true })
  await writeFile(join(directory, name, 'migration.sql'), sql)
}

async function valuesOfA(): Promise<readonly number[]> {
  const { rows } = await database.pool.query<{ x: number }>('select x from a order by x')
  return rows.map(({ x }) => x)
}
