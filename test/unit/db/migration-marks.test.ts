import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { readMigrations } from '../../../src/db/migrations/read-migrations.ts'
import { BUILD_VERSION, compareVersions } from '../../../src/lib/build-version.ts'

const NAME = '20270101000000_new'

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lume-marks-'))
})

afterEach(() => rm(directory, { recursive: true }))

async function read(sql: string, { name = NAME, build = '0.3.1' } = {}) {
  await mkdir(join(directory, name), { recursive: true })
  await writeFile(join(directory, name, 'migration.sql'), sql)
  const [migration] = await readMigrations(directory, build)
  return migration?.mark
}

test('every migration of this build says by its first line whether older builds keep working', async () => {
  const migrations = await readMigrations(
    join(import.meta.dirname, '../../../prisma/migrations'),
    BUILD_VERSION,
  )
  expect(migrations.length).toBeGreaterThan(0)
})

test('a migration without a mark is refused, unless it was released before there were marks', async () => {
  await expect(read('CREATE TABLE a (x int);')).rejects.toMatchObject({
    code: 'MIGRATION_INVALID',
    message: expect.stringContaining('-- lume: expand'),
  })
  await rm(join(directory, NAME), { recursive: true })
  expect(await read('DROP TABLE a;', { name: '20261130190000_old' })).toBeNull()
})

test.each([
  ['-- lume: expand\r\nCREATE TABLE a (x int);', { kind: 'expand', step: 'schema' }],
  [
    '-- lume: expand\nALTER TABLE a ADD COLUMN "y" TEXT NOT NULL DEFAULT \'\';',
    { kind: 'expand', step: 'schema' },
  ],
  ['-- lume: expand\nCREATE TABLE a (x int);\nCREATE INDEX i ON a (x);', { kind: 'expand', step: 'schema' }],
  [
    '-- lume: expand\nCREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN DROP TABLE b; END $$;',
    { kind: 'expand', step: 'schema' },
  ],
  [
    '-- lume: expand, indexes\n-- Why.\nCREATE UNIQUE INDEX "i" ON "a"("x") WHERE x > 0;',
    { kind: 'expand', step: 'indexes' },
  ],
  [
    '-- lume: expand, back-fill\nUPDATE a SET x = 1 RETURNING NULL AS next;',
    { kind: 'expand', step: 'backFill' },
  ],
  ['-- lume: contract 0.2.9\nDROP TABLE a;', { kind: 'contract', step: 'schema', minBuild: '0.2.9' }],
])('the mark of %j is read', async (sql, mark) => {
  expect(await read(sql)).toEqual(mark)
})

test.each([
  ['-- lume: expand\nALTER TABLE a DROP COLUMN x;', /drops what older builds use/],
  ['-- lume: expand\nALTER TABLE a RENAME COLUMN x TO y;', /renames/],
  ['-- lume: expand\nALTER TABLE a ADD COLUMN "y" TEXT NOT NULL;', /give the column a default/],
  ['-- lume: expand\nALTER TABLE a ALTER COLUMN "x" SET NOT NULL;', /do not write/],
  ['-- lume: expand\nALTER TABLE a ALTER COLUMN "x" SET DATA TYPE BIGINT;', /type of a column/],
  ['-- lume: expand\nCREATE INDEX i ON a (x);', /"expand, indexes"/],
  ['-- lume: expand, indexes\nCREATE INDEX i ON a (x);\nUPDATE a SET x = 1;', /CREATE INDEX "name"/],
  ['-- lume: contract 0.3.0\nDROP TABLE a;', /a later minor version/],
  ['-- lume: contract\nDROP TABLE a;', /first line/],
])('%j is refused', async (sql, message) => {
  await expect(read(sql)).rejects.toMatchObject({
    code: 'MIGRATION_INVALID',
    message: expect.stringMatching(message),
  })
})

test('versions are compared by their numbers', () => {
  expect(compareVersions('0.10.0', '0.9.9')).toBeGreaterThan(0)
  expect(compareVersions('1.2.3-rc.1', '1.2.3')).toBe(0)
  expect(compareVersions('0.1.0', '0.1.1')).toBeLessThan(0)
})
