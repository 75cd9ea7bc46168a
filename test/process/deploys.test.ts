import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { Closers } from '../../src/lib/async/closers.ts'
import { graphql } from '../gql/index.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { startServerProcess, tryServerProcess, type ServerProcess } from '../support/server-process.ts'
import { until } from '../support/until.ts'

const ROOT = join(import.meta.dirname, '../..')

const START = graphql(`
  mutation StartDuringDeploy($definition: JSON!) {
    executeWorkflow(input: { definition: $definition }) {
      __typename
      ... on ExecuteWorkflowPayload {
        job {
          id
        }
      }
    }
  }
`)

const STATUS = graphql(`
  query StatusDuringDeploy($id: ID!) {
    job(id: $id) {
      status
    }
  }
`)

let closers: Closers
let database: TestDatabase

beforeEach(async () => {
  closers = new Closers()
  database = await createTestDatabase()
  closers.add(() => database.drop())
})
afterEach(() => closers.close())

test('this build and a copy with one more expand migration work on one database, and this build starts again afterwards', async () => {
  const main = await copyOfBuild('0.2.0', {
    '20990101000000_note': `-- lume: expand\nALTER TABLE "jobs" ADD COLUMN "note" TEXT DEFAULT 'new';`,
    '20990101000001_note_indexes':
      '-- lume: expand, indexes\nCREATE INDEX "jobs_note_idx" ON "jobs"("note");',
    '20990101000002_note_fill': `-- lume: expand, back-fill
WITH batch AS (
  SELECT id FROM jobs WHERE id > COALESCE(NULLIF(current_setting('lume.after'), '')::uuid, '00000000-0000-0000-0000-000000000000')
  ORDER BY id LIMIT 1
), filled AS (
  UPDATE jobs SET note = 'filled' FROM batch WHERE jobs.id = batch.id
)
SELECT (SELECT id::text FROM batch) AS next`,
  })
  const older = await start()
  await completes(older)
  await completes(older)
  const running = await begin(older, 2_000)
  const newer = await start(main)
  await completes(older)
  await completes(newer)
  await until('the job that began before ends', async () => (await statusOf(newer, running)) === 'COMPLETED')
  expect(await older.stop()).toBe(0)
  const again = await start()
  await completes(again)
  await completes(newer)
  const { rows } = await database.pool.query(
    'SELECT note, count(*)::int AS count FROM jobs GROUP BY note ORDER BY note',
  )
  expect(rows).toEqual([
    { note: 'filled', count: 3 },
    { note: 'new', count: 4 },
  ])
})

test('this build refuses a database that a contract migration has closed to it, and names the oldest build that works', async () => {
  const main = await copyOfBuild('0.3.0', {
    '20990101000000_closed': '-- lume: contract 0.2.0\nSELECT 1;',
  })
  await (await start(main)).stop()
  const refused = await tryServerProcess({ DATABASE_URL: database.url })
  expect(refused).toMatchObject({ exitCode: 1 })
  expect('output' in refused && typeof refused.output === 'string' && refused.output).toMatch(
    /^DATABASE_TOO_NEW: .*start build 0\.2\.0 or a newer one/m,
  )
})

async function start(main?: string): Promise<ServerProcess> {
  const server = await startServerProcess({ DATABASE_URL: database.url }, main)
  closers.add(() => server.kill())
  return server
}

/** Copies what was built, as the build of another version with further migrations, and returns the path of its program. */
async function copyOfBuild(version: string, migrations: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lume-build-'))
  closers.add(() => rm(folder, { recursive: true, force: true }))
  await cp(join(ROOT, 'dist'), join(folder, 'dist'), { recursive: true })
  await cp(join(ROOT, 'prisma/migrations'), join(folder, 'prisma/migrations'), { recursive: true })
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  const description = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as object
  await writeFile(join(folder, 'package.json'), JSON.stringify({ ...description, version }))
  for (const [name, sql] of Object.entries(migrations)) {
    await mkdir(join(folder, 'prisma/migrations', name))
    await writeFile(join(folder, 'prisma/migrations', name, 'migration.sql'), sql)
  }
  return join(folder, 'dist/main.js')
}

async function completes(server: ServerProcess): Promise<void> {
  const id = await begin(server, 0)
  await until('the execution completes', async () => (await statusOf(server, id)) === 'COMPLETED')
}

/** Starts an execution that lasts that many milliseconds. */
async function begin(server: ServerProcess, ms: number): Promise<string> {
  const definition = { nodes: [{ id: 'wait', type: 'core.delay', config: { duration: ms } }], edges: [] }
  const { executeWorkflow } = (await ask(server, START.toString(), { definition })) as {
    executeWorkflow: { __typename: string; job?: { id: string } }
  }
  if (!executeWorkflow.job) throw new Error(JSON.stringify(executeWorkflow))
  return executeWorkflow.job.id
}

async function statusOf(server: ServerProcess, id: string): Promise<string | undefined> {
  const { job } = (await ask(server, STATUS.toString(), { id })) as { job: { status: string } | null }
  return job?.status
}

async function ask(server: ServerProcess, query: string, variables: object): Promise<unknown> {
  const response = await fetch(server.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  })
  const { data, errors } = (await response.json()) as { data: unknown; errors?: unknown }
  if (errors) throw new Error(JSON.stringify(errors))
  return data
}
