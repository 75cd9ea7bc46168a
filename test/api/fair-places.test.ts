import { createServer, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { readEnvironment } from '../../src/config.ts'
import { graphql } from '../gql/index.ts'
import { bearer, settingsKey } from '../support/access.ts'
import { startApiServer, type ApiServer } from '../support/api-server.ts'
import { createGraphqlClient, type GraphqlClient } from '../support/graphql-client.ts'
import { until } from '../support/until.ts'

const EXECUTE = graphql(`
  mutation ExecuteForPlaces($input: ExecuteWorkflowInput!) {
    executeWorkflow(input: $input) {
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
  query StatusForPlaces($id: ID!) {
    job(id: $id) {
      status
    }
  }
`)

/** An outside server that answers only when the test says so. */
const waiting: ServerResponse[] = []
const outside = createServer((_, response) => void waiting.push(response))
let server: ApiServer

beforeAll(async () => {
  outside.listen(0, '127.0.0.1')
  await once(outside, 'listening')
  const keys = ['acme', 'globex'].map((owner) => `${owner}:EDITOR:${settingsKey(owner, 'EDITOR')}`)
  const { port } = outside.address() as AddressInfo
  const { authentication, lume: config } = readEnvironment({
    LUME_API_KEYS: keys.join(','),
    LUME_ALLOW_PRIVATE_HOSTS: `127.0.0.1:${port}`,
  })
  const { databaseUrl: _, ...settings } = config
  server = await startApiServer({ authentication, config: settings })
})

afterAll(async () => {
  await server.stop()
  outside.closeAllConnections()
  outside.close()
})

test('an owner whose calls hang in every place that it may have, with 100 more of the highest priority queued, keeps no other owner waiting', async () => {
  const [acme, globex] = [clientOf('acme'), clientOf('globex')]
  const { port } = outside.address() as AddressInfo
  const url = `http://127.0.0.1:${port}/`
  const flood = { nodes: [{ id: 'call', type: 'api.http', config: { url } }], edges: [] }
  const ids = await Promise.all(
    Array.from({ length: 150 }, () => started(acme, { definition: flood, priority: 100 })),
  )
  // Nine tenths of the fifty places.
  await until('45 calls hang', () => waiting.length === 45)
  const brief = { nodes: [{ id: 'one', type: 'core.transform', config: { value: 1 } }], edges: [] }
  for (let n = 0; n < 10; n++)
    await completed(globex, await started(globex, { definition: brief, priority: -100 }))
  // Its end is a fact while every call of the other owner still hangs.
  expect(waiting).toHaveLength(45)
  const statuses = await Promise.all(ids.map((id) => statusOf(acme, id)))
  expect(statuses.filter((status) => status === 'QUEUED')).toHaveLength(105)
  // The flood is slowed down, not lost.
  await until(
    'all calls were made',
    () => {
      for (const response of waiting) if (!response.writableEnded) response.end('{}')
      return waiting.length === 150
    },
    60_000,
  )
  for (const response of waiting) if (!response.writableEnded) response.end('{}')
  for (const id of ids) await completed(acme, id)
}, 120_000)

function clientOf(owner: string): GraphqlClient {
  return createGraphqlClient(server.url, bearer(settingsKey(owner, 'EDITOR')))
}

async function started(
  client: GraphqlClient,
  input: { definition: object; priority: number },
): Promise<string> {
  const { executeWorkflow } = await client.ask(EXECUTE, { input })
  if (executeWorkflow.__typename !== 'ExecuteWorkflowPayload')
    throw new Error(JSON.stringify(executeWorkflow))
  return executeWorkflow.job.id
}

async function statusOf(client: GraphqlClient, id: string): Promise<string | undefined> {
  return (await client.ask(STATUS, { id })).job?.status
}

async function completed(client: GraphqlClient, id: string): Promise<void> {
  await until('it is COMPLETED', async () => (await statusOf(client, id)) === 'COMPLETED')
}
