import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { Closers } from '../../src/lib/async/closers.ts'
import type { TypedDocumentString } from '../gql/graphql.ts'
import { graphql } from '../gql/index.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { startServerProcess, tryServerProcess, type ServerProcess } from '../support/server-process.ts'

const CREATE = graphql(`
  mutation CreateKept {
    createWorkflow(input: { name: "kept" }) {
      __typename
    }
  }
`)

const NAMES = graphql(`
  query NamesThatWereKept {
    workflows {
      edges {
        node {
          name
        }
      }
    }
  }
`)

const VIEWER = graphql(`
  query ViewerByKey {
    viewer {
      ownerId
      role
    }
  }
`)

let database: TestDatabase
let closers: Closers
let dataDir: string

beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())

beforeEach(async () => {
  closers = new Closers()
  dataDir = await mkdtemp(join(tmpdir(), 'lume-start-'))
  closers.add(() => rm(dataDir, { recursive: true, force: true }))
})
afterEach(() => closers.close())

async function start(): Promise<ServerProcess> {
  const server = await startServerProcess({ LUME_DATA_DIR: dataDir })
  closers.add(() => server.kill())
  return server
}

test('a server on a fresh folder keeps what it stores over a stop, and refuses the folder to a second server', async () => {
  const first = await start()
  const created = await ask(first, CREATE)
  expect(created).toEqual({ data: { createWorkflow: { __typename: 'CreateWorkflowPayload' } } })
  expect(await first.stop()).toBe(0)

  const second = await start()
  const kept = await ask(second, NAMES)
  expect(kept).toEqual({ data: { workflows: { edges: [{ node: { name: 'kept' } }] } } })
  const ready = await fetch(new URL('/ready', second.url))
  expect([ready.status, await ready.json()]).toEqual([200, { status: 'ready' }])

  const third = await refused({ LUME_DATA_DIR: dataDir })
  expect(third).toMatch(/^DATA_DIR_IN_USE: /)
  expect(third).toContain(String(second.pid))
  expect(third).toContain('LUME_DATA_DIR')
  expect((await fetch(new URL('/ready', second.url))).status).toBe(200)
}, 60_000)

test('a server with keys in its settings asks for one, and never prints it', async () => {
  const key = 'a-key-of-more-than-thirty-two-characters'
  const server = await startServerProcess({
    DATABASE_URL: database.url,
    LUME_API_KEYS: `acme:ADMIN:${key}`,
    LUME_RATELIMIT: '9',
  })
  closers.add(() => server.kill())
  expect(await ask(server, VIEWER)).toMatchObject({ errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] })
  expect(await ask(server, VIEWER, { authorization: `Bearer ${key}` })).toEqual({
    data: { viewer: { ownerId: 'acme', role: 'ADMIN' } },
  })
  expect(await server.stop()).toBe(0)
  expect(server.output()).not.toContain(key)
  expect(server.output()).toContain('LUME_RATELIMIT (did you mean LUME_RATE_LIMIT?)')
}, 60_000)

test('a port in use is told with its number and how to choose another', async () => {
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  closers.add(() => new Promise((resolve) => other.close(() => resolve())))
  const { port } = other.address() as AddressInfo
  const message = await refused({ DATABASE_URL: database.url, PORT: String(port) })
  expect(message).toMatch(/^PORT_IN_USE: /)
  expect(message).toContain(`port ${port}`)
  expect(message).toContain('PORT')
}, 60_000)

describe('a setting that cannot be used is refused in one line that names it:', () => {
  test.each([
    ['an absent server', { DATABASE_URL: 'postgres://u:s3cret@127.0.0.1:1/db' }, 'DATABASE_UNREACHABLE'],
    ['a data folder that is a file', { LUME_DATA_DIR: 'package.json' }, 'DATA_DIR_NOT_A_FOLDER'],
    ['a PORT that is no number', { PORT: 'http' }, 'CONFIG_INVALID'],
  ])('%s', async (_, environment: Record<string, string>, code) => {
    const message = await refused({ LUME_DATA_DIR: dataDir, ...environment })
    expect(message).toMatch(new RegExp(`^${code}: `))
    expect(message).not.toContain('s3cret')
    expect(message).not.toMatch(/\n\s+at /)
  })
})

/** What a start that must fail prints; it exits with 1. */
async function refused(environment: Record<string, string>): Promise<string> {
  const start = await tryServerProcess(environment)
  if (!('exitCode' in start)) {
    await start.kill()
    throw new Error('the server started')
  }
  expect(start.exitCode).toBe(1)
  // Log lines of the parts that did start are JSON; the message is what is meant for people.
  return start.output
    .split('\n')
    .filter((line) => !line.startsWith('{'))
    .join('\n')
    .trim()
}

async function ask(
  server: ServerProcess,
  query: TypedDocumentString<unknown, Record<string, never>>,
  headers: Record<string, string> = {},
): Promise<unknown> {
  const response = await fetch(server.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query }),
  })
  return response.json()
}
