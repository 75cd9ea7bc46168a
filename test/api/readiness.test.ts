import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createLume, type Lume } from '../../src/app.ts'
import { startServer, type Server } from '../../src/http/server.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { createGates } from '../support/gates.ts'
import { createGraphqlClient } from '../support/graphql-client.ts'
import { EXECUTE } from '../support/runs.ts'
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'
import { until } from '../support/until.ts'

const gates = createGates()
let database: TestDatabase
let proxy: TcpProxy
let lume: Lume
let server: Server

beforeAll(async () => {
  database = await createTestDatabase()
  proxy = await startTcpProxy(database.url)
  lume = await createLume(
    { databaseUrl: proxy.url, leaseMs: 1_800, logLevel: 'silent' },
    { blocks: [gates.block] },
  )
  server = await startServer({ lume, port: 0 })
})

afterAll(async () => {
  gates.gate('held').open()
  await server.close()
  await lume.close()
  await proxy.close()
  await database.drop()
})

test('while the database is silent /ready answers 503 within two seconds and names the problems; then it is ready again', async () => {
  const definition = {
    schemaVersion: 1,
    nodes: [{ id: 'held', type: 'test.gate', config: { name: 'held' } }],
  }
  await createGraphqlClient(server.url).send(EXECUTE, { input: { definition } })
  await gates.gate('held').reached
  expect(await ready()).toEqual({ status: 200, body: { status: 'ready' } })
  proxy.silence()
  const codes = new Set<string>()
  await until('both problems are named', async () => {
    const { status, body } = await ready()
    for (const { code } of body.problems ?? []) codes.add(code)
    if (body.problems) expect([status, body.status]).toEqual([503, 'not ready'])
    // A message names no host and no port.
    expect(JSON.stringify(body)).not.toMatch(/\d{4}|127\.0/)
    return codes.size === 2
  })
  expect([...codes].sort()).toEqual(['DATABASE_UNREACHABLE', 'LEASES_NOT_RENEWED'])
  proxy.restore()
  await until('it is ready again', async () => (await ready()).status === 200)
})

interface Ready {
  readonly status: number
  readonly body: { readonly status: string; readonly problems?: readonly { readonly code: string }[] }
}

/** Asks, and fails unless the answer comes within two seconds. */
async function ready(): Promise<Ready> {
  const response = await fetch(`${server.origin}/ready`, { signal: AbortSignal.timeout(2_000) })
  return { status: response.status, body: (await response.json()) as Ready['body'] }
}
