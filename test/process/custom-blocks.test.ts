import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { Closers } from '../../src/lib/async/closers.ts'
import { graphql } from '../gql/index.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { createGraphqlClient } from '../support/graphql-client.ts'
import { EXECUTE } from '../support/runs.ts'
import { startServerProcess, tryServerProcess } from '../support/server-process.ts'
import { until } from '../support/until.ts'

const BLOCKS = graphql(`
  query BlocksOfModules {
    blocks {
      type
      category
    }
  }
`)

const JOB = graphql(`
  query JobOfModules($id: ID!) {
    job(id: $id) {
      status
      result
      finishedAt
    }
  }
`)

const EXAMPLE = './examples/custom-blocks/blocks.ts'

let database: TestDatabase
let closers: Closers
let folder: string

beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())
beforeEach(async () => {
  closers = new Closers()
  folder = await mkdtemp(join(tmpdir(), 'lume-custom-blocks-'))
  closers.add(() => rm(folder, { recursive: true, force: true }))
})
afterEach(() => closers.close())

async function moduleOf(name: string, text: string): Promise<string> {
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
  const path = join(folder, name)
  await writeFile(path, text)
  return path
}

test('a built server runs the example: a block of each form, from one TypeScript module', async () => {
  const extra = await moduleOf(
    'extra.mjs',
    `export default (registerBlock) => registerBlock('custom.extra', class { execute() { return { status: 'completed', output: 1 } } })`,
  )
  const server = await startServerProcess({
    DATABASE_URL: database.url,
    LUME_BLOCKS: `${EXAMPLE}, ${extra}`,
  })
  closers.add(() => server.kill())
  const client = createGraphqlClient(server.url)
  const { blocks } = await client.ask(BLOCKS, {})
  expect(blocks).toEqual(
    expect.arrayContaining([
      { type: 'custom.score', category: 'CUSTOM' },
      { type: 'custom.greet', category: 'CUSTOM' },
      { type: 'custom.extra', category: 'CUSTOM' },
    ]),
  )
  const definition: unknown = JSON.parse(
    await readFile(new URL('../../examples/custom-blocks/workflow.json', import.meta.url), 'utf8'),
  )
  const input = { definition, input: { name: 'Ada', title: 'Head of Growth' } }
  const { executeWorkflow } = await client.ask(EXECUTE, { input })
  if (executeWorkflow.__typename !== 'ExecuteWorkflowPayload') throw new Error(executeWorkflow.__typename)
  const { id } = executeWorkflow.job
  const job = await until('the run has ended', async () => {
    const { job } = await client.ask(JOB, { id })
    return job?.finishedAt ? job : null
  })
  expect(job).toMatchObject({ status: 'COMPLETED', result: { score: 20, text: 'Hello Ada!' } })
}, 90_000)

const BROKEN: readonly (readonly [name: string, text: string, reason: RegExp])[] = [
  ['syntax.ts', 'export const a = 1\nexport const b = {{\n', /syntax\.ts.*:2/s],
  ['syntax.mjs', 'export const a = 1\nexport const b = {{\n', /syntax\.mjs:2/],
  ['throws.ts', '\nthrow new Error("my own words")\n', /my own words \(.*throws\.ts:2/],
  ['throws.mjs', '\nthrow new Error("my own words")\n', /my own words \(.*throws\.mjs:2/],
  ['empty.mjs', 'export const answer = 42\n', /it brings no block: export what `defineBlock` gives/],
  ['import.mjs', 'import "no-such-package-of-mine"\n', /no-such-package-of-mine.*must be installed/],
]

test('each broken module is named, with the reason and what to do', async () => {
  const paths = [
    ...(await Promise.all(BROKEN.map(([name, text]) => moduleOf(name, text)))),
    './no-such-blocks.ts',
    './README.md',
  ]
  const reasons = [
    ...BROKEN.map(([, , reason]) => reason),
    /there is no file/,
    /it ends in none of \.ts, \.mts,/,
  ]
  const main = fileURLToPath(new URL('../support/load-blocks.ts', import.meta.url))
  const source = ['--import', 'tsx', '--conditions=lume:source']
  const { stdout } = await promisify(execFile)(process.execPath, [...source, main, ...paths])
  const errors = JSON.parse(stdout) as unknown[]
  expect(errors).toHaveLength(reasons.length)
  for (const [index, reason] of reasons.entries()) {
    expect(errors[index]).toEqual({ code: 'BLOCK_MODULE_FAILED', message: expect.stringMatching(reason) })
    expect(errors[index]).toMatchObject({ message: expect.stringContaining(paths[index] ?? '') })
  }
}, 60_000)

test.each([
  ['throws.ts', '\nthrow new Error("my own words")\n', /my own words \(.*throws\.ts:2/],
  [
    'taken.mjs',
    `export default (registerBlock) => registerBlock('core.filter', class { execute() {} })`,
    /a block of type "core\.filter" is registered already/,
  ],
])(
  'a server whose settings name the broken module %s ends with 1, the reason and what to do',
  async (name, text, reason) => {
    const path = await moduleOf(name, text)
    const env = { DATABASE_URL: database.url, LUME_BLOCKS: path, LUME_LOG_LEVEL: 'error' }
    const start = await tryServerProcess(env)
    if ('url' in start) throw new Error('the server has started')
    expect(start.exitCode).toBe(1)
    expect(start.output).toMatch(/^BLOCK_MODULE_FAILED: the block module /)
    expect(start.output).toContain(path)
    expect(start.output).toMatch(reason)
    expect(start.output).toContain('Mend it, or take it out of LUME_BLOCKS')
    expect(start.output).not.toMatch(/^\s+at /m)
  },
  60_000,
)
