import { execFile } from 'node:child_process'
import { mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { expect } from '@jest/globals'
import { createLume, type Lume } from '../../src/app.ts'
import type { LumeOptions } from '../../src/config.ts'
import { BlockError, defineBlock } from '../../src/engine/block/index.ts'
import { startServer } from '../../src/http/server.ts'
import { createLogger } from '../../src/lib/log/index.ts'
import type { RecordedAnswer } from '../fixtures/build-708d1c0/questions.ts'
import { workBlocks } from '../fixtures/build-708d1c0/work-block.ts'
import { createEmptyDatabase, type TestDatabase } from './database.ts'
import { until } from './until.ts'

const FOLDER = join(import.meta.dirname, '../fixtures/build-708d1c0')

/** A fresh database with the data of the earlier build, as it left them on a Postgres server. */
export async function createEarlierDatabase(): Promise<TestDatabase> {
  const database = await createEmptyDatabase()
  await database.pool.query(await unzipped('server.sql.gz'))
  return database
}

/** A fresh copy of the earlier build's embedded folder. */
export async function createEarlierFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lume-earlier-'))
  await promisify(execFile)('tar', ['-xzf', join(FOLDER, 'folder.tar.gz'), '-C', folder])
  return folder
}

/** The answers of the earlier build. */
async function earlierAnswers(of: 'server' | 'folder'): Promise<readonly RecordedAnswer[]> {
  return JSON.parse(await unzipped(`${of}-answers.json.gz`)) as RecordedAnswer[]
}

async function unzipped(name: string): Promise<string> {
  return gunzipSync(await readFile(join(FOLDER, name))).toString()
}

/** This build on the data of the earlier one, with the blocks that its executions call. */
export interface LaterBuild {
  readonly lume: Lume
  /** The switches of the blocks; all are off at first. */
  readonly switches: Set<string>
  /** The paths of the steps whose blocks were called. */
  readonly calls: readonly string[]
  /** Sends a document and returns its data; throws when the answer has errors. */
  ask<Data>(query: string, variables?: object): Promise<Data>
  stop(): Promise<void>
}

export async function startLaterBuild(config: LumeOptions): Promise<LaterBuild> {
  const switches = new Set<string>()
  const calls: string[] = []
  const specs = workBlocks({ switches, BlockError, onCall: (path) => calls.push(path) })
  const lume = await createLume(
    { shutdownGraceMs: 0, ...config },
    { blocks: specs.map(defineBlock), logger: createLogger('silent') },
  )
  const server = await startServer({ isExplorable: true, lume, port: 0 })
  return {
    lume,
    switches,
    calls,
    async ask<Data>(query: string, variables: object = {}) {
      const response = await fetch(server.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json' },
        body: JSON.stringify({ query, variables }),
      })
      const { data, errors } = (await response.json()) as { data: Data | null; errors?: unknown }
      if (data === null || errors !== undefined)
        throw new Error(`the server answers ${JSON.stringify(errors)} to ${query}`)
      return data
    },
    async stop() {
      await server.close()
      await lume.close()
    },
  }
}

/** Asks what the earlier build was asked, and checks that the answers are the same. */
export async function expectSameAnswers(build: LaterBuild, of: 'server' | 'folder'): Promise<void> {
  const all = await earlierAnswers(of)
  expect(all.length).toBeGreaterThan(200)
  // The embedded database answers one statement at a time: a fifth of the questions takes seconds there.
  const recorded = all.filter((_, place) => of === 'server' || place % 5 === 0)
  await Promise.all(
    recorded.map(async ({ query, variables, data }) => {
      const answer = await build.ask(query, variables).catch(String)
      expect({ query, variables, data: answer }).toEqual({ query, variables, data })
    }),
  )
}

/** Checks that a worker of this build continues what the earlier build left unfinished. */
export async function expectContinuation({ ask, switches, calls }: LaterBuild): Promise<void> {
  const find = async (tag: string) => {
    const { executions } = await ask<{ executions: { edges: { node: { id: string } }[] } }>(
      'query ($tag: String!) { executions(filter: { tags: [$tag] }) { edges { node { id } } } }',
      { tag },
    )
    return required(executions.edges[0]).node.id
  }
  const mutate = async (name: string, fields: string, input: object) => {
    const type = `${name[0]?.toUpperCase()}${name.slice(1)}`
    const { result } = await ask<{ result: { execution?: { id: string } } }>(
      `mutation ($input: ${type}Input!) {
         result: ${name}(input: $input) { __typename ... on ${type}Payload { ${fields} } ... on Error { code message } } }`,
      { input },
    )
    if (!result.execution) throw new Error(`${name} answers ${JSON.stringify(result)}`)
    return result.execution.id
  }
  const outcomeOf = async (id: string) => {
    const { execution } = await ask<{ execution: { status: string; output: unknown } }>(
      'query ($id: ID!) { execution(id: $id) { status output } }',
      { id },
    )
    return [execution.status, execution.output] as const
  }
  const endsWith = async (id: string, output: unknown) => {
    const outcome = await until(`${id} has ended`, async () => {
      const found = await outcomeOf(id)
      return ['COMPLETED', 'FAILED', 'CANCELED'].includes(found[0]) && found
    })
    expect(outcome).toEqual(['COMPLETED', output])
  }
  const signal = (id: string, name: string, payload: unknown, path?: string) =>
    mutate('signalExecution', 'execution { id }', {
      id,
      name,
      payload,
      ...(path === undefined ? {} : { path }),
    })

  // The timer came due between the two builds; the worker of the running execution is gone.
  await endsWith(await find('due'), 'in time')
  switches.add('hangs')
  await endsWith(await find('running'), 'free')

  const waiting = await find('signal')
  await signal(waiting, 'second', { approved: true })
  await endsWith(waiting, true)
  const parent = await find('waiting parent')
  const { execution } = await ask<{ execution: { waitsFor: { childId: string }[] } }>(
    'query ($id: ID!) { execution(id: $id) { waitsFor { childId } } }',
    { id: parent },
  )
  await signal(required(execution.waitsFor[0]).childId, 'approve', { by: 'a person' })
  await endsWith(parent, { by: 'a person' })
  const loop = await find('loop waits')
  for (const item of [0, 2]) await signal(loop, 'item', { for: item }, `each[${item}]/item`)
  await endsWith(loop, [{ for: 0 }, { for: 'y' }, { for: 2 }])

  const paused = await find('paused')
  expect((await outcomeOf(paused))[0]).toBe('PAUSED')
  await mutate('resumeExecution', 'execution { id }', { id: paused })
  await endsWith(paused, 'after the pause')
  for (const [tag, status] of [
    ['queued', 'QUEUED'],
    ['slow retry', 'WAITING'],
  ] as const)
    expect((await outcomeOf(await find(tag)))[0]).toBe(status)

  // Retries reuse what completed: only the rest is called.
  const retry = (id: string) => mutate('retryExecution', 'execution { id }', { id })
  const called = calls.length
  switches.add('ship').add('send').add('check')
  await endsWith(await retry(await find('to retry')), '12.5 for Grace: shipped')
  expect(calls.slice(called)).toEqual(['ship'])
  await endsWith(await retry(await find('loop to retry')), 'checked')
  const items = Array.from({ length: 30 - 13 }, (_, n) => `each[${n + 13}]/send`)
  expect(calls.slice(called + 1)).toEqual([...items, 'check'])
}

function required<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error('the earlier build did not leave this')
  return value
}
