import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { graphql } from '../gql/index.ts'
import type { ExecuteWorkflowInput, QuotaName } from '../gql/graphql.ts'
import { AUTHENTICATION, bearer, settingsKey } from '../support/access.ts'
import { startApiServer, type ApiServer } from '../support/api-server.ts'
import { createGraphqlClient, type GraphqlClient } from '../support/graphql-client.ts'
import { recordOf } from '../support/recorded.ts'
import { countStatements } from '../support/statement-count.ts'
import { until } from '../support/until.ts'
import { uuidOf } from '../support/uuid-of.ts'

const QUOTAS = graphql(`
  query Quotas {
    viewer {
      quotas {
        name
        used
        limit
        countedAt
      }
    }
  }
`)

const START = graphql(`
  mutation StartWithinQuota($input: ExecuteWorkflowInput!) {
    executeWorkflow(input: $input) {
      __typename
      ... on ExecuteWorkflowPayload {
        deduplicated
        execution {
          id
        }
      }
      ... on QuotaExceeded {
        code
        message
        path
        quota
        limit
        used
      }
    }
  }
`)

const CANCEL = graphql(`
  mutation CancelForQuota($id: ID!) {
    cancelExecution(input: { id: $id }) {
      __typename
    }
  }
`)

const MAKE_WORKFLOW = graphql(`
  mutation MakeWithinQuota($name: String!, $definition: JSON, $publish: Boolean) {
    createWorkflow(input: { name: $name, definition: $definition, publish: $publish }) {
      __typename
      ... on CreateWorkflowPayload {
        workflow {
          id
        }
      }
      ... on QuotaExceeded {
        code
        quota
        limit
        used
      }
    }
  }
`)

const CHANGE_WORKFLOW = graphql(`
  mutation ChangeWithinQuota($id: ID!, $definition: JSON!) {
    updateWorkflow(input: { id: $id, definition: $definition }) {
      __typename
      ... on QuotaExceeded {
        quota
      }
    }
  }
`)

const COPY_WORKFLOW = graphql(`
  mutation CopyWithinQuota($id: ID!) {
    duplicateWorkflow(input: { id: $id }) {
      __typename
    }
  }
`)

const DELETE_WORKFLOW = graphql(`
  mutation DeleteForQuota($id: ID!) {
    deleteWorkflow(input: { id: $id }) {
      __typename
    }
  }
`)

const MAKE_SCHEDULE = graphql(`
  mutation ScheduleWithinQuota($workflowId: ID!) {
    createSchedule(input: { workflowId: $workflowId, name: "Daily", cron: "0 9 * * *" }) {
      __typename
      ... on CreateSchedulePayload {
        schedule {
          id
        }
      }
      ... on QuotaExceeded {
        quota
      }
    }
  }
`)

const DELETE_SCHEDULE = graphql(`
  mutation UnscheduleForQuota($id: ID!) {
    deleteSchedule(input: { id: $id }) {
      __typename
    }
  }
`)

const SET_SECRET = graphql(`
  mutation SetWithinQuota($name: String!) {
    setSecret(input: { name: $name, value: "a value of eight letters" }) {
      __typename
      ... on QuotaExceeded {
        quota
      }
    }
  }
`)

const DELETE_SECRET = graphql(`
  mutation UnsetForQuota($name: String!) {
    deleteSecret(input: { name: $name }) {
      __typename
    }
  }
`)

const MAKE_KEY = graphql(`
  mutation KeyWithinQuota {
    createApiKey(input: { name: "CI", role: VIEWER }) {
      __typename
      ... on CreateApiKeyPayload {
        apiKey {
          id
        }
      }
      ... on QuotaExceeded {
        quota
      }
    }
  }
`)

const REVOKE_KEY = graphql(`
  mutation RevokeForQuota($id: ID!) {
    revokeApiKey(input: { id: $id }) {
      __typename
    }
  }
`)

const WAITS: ExecuteWorkflowInput = {
  definition: { nodes: [{ id: 'ask', type: 'core.waitForSignal', config: { name: 'go' } }], edges: [] },
}

let server: ApiServer
let acme: GraphqlClient
let globex: GraphqlClient

beforeAll(async () => {
  server = await startApiServer({
    authentication: AUTHENTICATION,
    requestsPerMinute: 0,
    config: {
      maxOpenExecutions: 2,
      maxStoredBytes: 200_000,
      maxWorkflows: 2,
      maxSchedules: 1,
      maxSecrets: 1,
      maxApiKeys: 1,
      secretKeys: [randomBytes(32).toString('base64')],
    },
  })
  acme = clientOf('acme')
  globex = clientOf('globex')
})

afterAll(() => server.stop())

function clientOf(owner: string): GraphqlClient {
  return createGraphqlClient(server.url, bearer(settingsKey(owner, 'ADMIN')))
}

/** Each quota's numbers, once they are as expected: they may be five seconds old. */
const usedBy = (client: GraphqlClient, name: QuotaName, used: number) =>
  until(`${used} of ${name} are used`, async () => {
    const { quotas } = (await client.ask(QUOTAS, {})).viewer
    const quota = quotas.find((one) => one.name === name)
    return quota?.used === used && quota
  })

async function made(client: GraphqlClient, name = 'A workflow'): Promise<string> {
  const { createWorkflow } = await client.ask(MAKE_WORKFLOW, { name })
  if (createWorkflow.__typename !== 'CreateWorkflowPayload') throw new Error(createWorkflow.__typename)
  return createWorkflow.workflow.id
}

test('viewer.quotas lists every quota with its limit, and is counted for the viewer’s owner alone', async () => {
  const id = await made(acme)
  await usedBy(acme, 'WORKFLOWS', 1)
  const { quotas } = (await globex.ask(QUOTAS, {})).viewer
  expect(quotas).toEqual(
    [
      ['OPEN_EXECUTIONS', 2],
      ['STORED_BYTES', 200_000],
      ['WORKFLOWS', 2],
      ['SCHEDULES', 1],
      ['SECRETS', 1],
      ['API_KEYS', 1],
    ].map(([name, limit]) => ({ name, limit, used: 0, countedAt: expect.any(String) })),
  )
  await acme.ask(DELETE_WORKFLOW, { id })
})

describe('open executions', () => {
  test('a start beyond the quota is refused until an execution has ended; a repeated one is not, nor another owner’s', async () => {
    const first = { ...WAITS, idempotencyKey: 'first' }
    const { executeWorkflow: one } = await acme.ask(START, { input: first })
    if (one.__typename !== 'ExecuteWorkflowPayload') throw new Error(one.__typename)
    await acme.ask(START, { input: WAITS })
    const { executeWorkflow: refused } = await acme.ask(START, { input: WAITS })
    expect(refused).toEqual({
      __typename: 'QuotaExceeded',
      code: 'QUOTA_EXCEEDED',
      message: expect.stringContaining('LUME_MAX_OPEN_EXECUTIONS'),
      path: ['input'],
      quota: 'OPEN_EXECUTIONS',
      limit: 2,
      used: 2,
    })
    expect((await acme.ask(START, { input: first })).executeWorkflow).toMatchObject({ deduplicated: true })
    expect((await globex.ask(START, { input: WAITS })).executeWorkflow.__typename).toBe(
      'ExecuteWorkflowPayload',
    )
    await usedBy(acme, 'OPEN_EXECUTIONS', 2)
    await acme.ask(CANCEL, { id: one.execution.id })
    await until('a start is accepted again', async () => {
      const { executeWorkflow: next } = await acme.ask(START, { input: WAITS })
      return next.__typename === 'ExecuteWorkflowPayload'
    })
  })

  test('a child beyond the quota fails its step with QUOTA_EXCEEDED, and is not tried again', async () => {
    const owner = createGraphqlClient(server.url, bearer(settingsKey('globex', 'ADMIN')))
    const leaf = await made(owner, 'A leaf')
    await owner.ask(CHANGE_WORKFLOW, { id: leaf, definition: WAITS.definition })
    const call = { id: 'call', type: 'core.callWorkflow', config: { workflowId: leaf } }
    const { executeWorkflow: parent } = await owner.ask(START, {
      input: { definition: { nodes: [call], edges: [] } },
    })
    if (parent.__typename !== 'ExecuteWorkflowPayload') throw new Error(parent.__typename)
    const parentId = uuidOf(parent.execution.id)
    await until('the child was refused', async () => {
      const { steps } = await recordOf(server.pool, parentId)
      const call = steps.find(({ path }) => path === 'call')
      return call?.attempt === 1 && call.error?.code === 'QUOTA_EXCEEDED'
    })
    await owner.ask(DELETE_WORKFLOW, { id: leaf })
  })

  test('a start asks the database nothing for its quotas', async () => {
    // Its counts were read for the tests before, and are read again in the background at most.
    const statements = countStatements()
    try {
      await acme.ask(START, { input: { definition: { nodes: [], edges: [] } } })
      const asked = statements.take().filter((text) => text.includes('idempotency_keys WHERE owner_id'))
      expect(asked).toEqual([])
    } finally {
      statements.stop()
    }
  })
})

describe('stored bytes', () => {
  const long = { text: 'x'.repeat(120_000) }

  test('a start, a new workflow and a longer draft beyond the quota are refused; what is deleted makes room', async () => {
    const { createWorkflow } = await acme.ask(MAKE_WORKFLOW, {
      name: 'Long',
      definition: { nodes: [], edges: [], metadata: incompressible(120_000) },
    })
    if (createWorkflow.__typename !== 'CreateWorkflowPayload') throw new Error(createWorkflow.__typename)
    const { id } = createWorkflow.workflow
    const { executeWorkflow: start } = await acme.ask(START, { input: { ...WAITS, input: long } })
    expect(start).toMatchObject({ quota: 'STORED_BYTES', limit: 200_000 })
    const more = { nodes: [], edges: [], metadata: incompressible(90_000) }
    const { createWorkflow: second } = await acme.ask(MAKE_WORKFLOW, { name: 'More', definition: more })
    expect(second).toMatchObject({ code: 'QUOTA_EXCEEDED', quota: 'STORED_BYTES' })
    const longer = { nodes: [], edges: [], metadata: incompressible(250_000) }
    const { updateWorkflow } = await acme.ask(CHANGE_WORKFLOW, { id, definition: longer })
    expect(updateWorkflow).toMatchObject({ quota: 'STORED_BYTES' })
    const { updateWorkflow: shorter } = await acme.ask(CHANGE_WORKFLOW, {
      id,
      definition: { nodes: [], edges: [] },
    })
    expect(shorter.__typename).toBe('UpdateWorkflowPayload')
    await until('there is room again', async () => {
      const { createWorkflow: third } = await acme.ask(MAKE_WORKFLOW, { name: 'More', definition: more })
      return third.__typename === 'CreateWorkflowPayload'
    })
    await server.query('UPDATE workflows SET deleted_at = now() WHERE owner_id = $1', ['acme'])
  })

  test('an execution that runs and stores far more than its owner may fails with QUOTA_EXCEEDED', async () => {
    const body = {
      nodes: [{ id: 'copy', type: 'core.transform', config: { value: '{{ input.text }}' } }],
      edges: [],
    }
    const items = Array.from({ length: 300 }, (_, n) => n)
    const definition = {
      nodes: [{ id: 'loop', type: 'core.forEach', config: { items: '{{ input.items }}', body } }],
      edges: [],
    }
    const job = await server.lume.jobs.createWorkflowJob('hoarder', {
      workflowId: 'inline',
      workflowDefinition: definition,
      input: { items, text: 'x'.repeat(40_000) },
    })
    await server.lume.jobs.startJob(job.id)
    const ended = async () => {
      const [row] = await server.query<{ error: { code: string; message: string } | null }>(
        `SELECT error FROM jobs WHERE owner_id = 'hoarder' AND finished_at IS NOT NULL`,
      )
      return row
    }
    expect(await until('the execution ends', ended)).toMatchObject({
      error: { code: 'QUOTA_EXCEEDED', message: expect.stringContaining('LUME_MAX_STORED_BYTES') },
    })
  })

  test('what executions store stays counted when they have ended, and no longer when they are deleted', async () => {
    const used = async () => {
      const [row] = await server.query<{ used: number }>(
        `SELECT COALESCE(sum(stored_bytes), 0)::int AS used FROM owner_usage WHERE owner_id = 'stored'`,
      )
      return row?.used ?? 0
    }
    const result = await server.lume.jobs.createWorkflowJob('stored', {
      workflowId: 'inline',
      workflowDefinition: {
        nodes: [{ id: 'a', type: 'core.transform', config: { value: 'x'.repeat(5_000) } }],
        edges: [],
      },
      input: 'y'.repeat(3_000),
    })
    await server.lume.jobs.startJob(result.id)
    // The input, the resolved config, the step's output and the execution's, and some rows.
    await until('its bytes are in the roll-up', async () => (await used()) > 18_000)
    expect(await used()).toBeLessThan(30_000)
    const before = await used()
    await server.query('DELETE FROM jobs WHERE id = $1', [result.id])
    expect(await used()).toBeLessThan(before - 17_000)
  })
})

describe('things that are stored one by one', () => {
  test('workflows: one more is refused, created, copied or published, until one is deleted', async () => {
    const ids = [await made(acme, 'One'), await made(acme, 'Two')] as const
    const refusal = { code: 'QUOTA_EXCEEDED', quota: 'WORKFLOWS', limit: 2, used: 2 }
    const { createWorkflow } = await acme.ask(MAKE_WORKFLOW, { name: 'Three' })
    expect(createWorkflow).toMatchObject(refusal)
    const { createWorkflow: published } = await acme.ask(MAKE_WORKFLOW, {
      name: 'Three',
      publish: true,
      definition: WAITS.definition,
    })
    expect(published).toMatchObject(refusal)
    const { duplicateWorkflow } = await acme.ask(COPY_WORKFLOW, { id: ids[0] })
    expect(duplicateWorkflow.__typename).toBe('QuotaExceeded')
    await made(globex)
    await acme.ask(DELETE_WORKFLOW, { id: ids[0] })
    await made(acme, 'Three')
  })

  test('schedules: one more is refused until one is deleted', async () => {
    const [workflow] = await server.query<{ id: string }>(
      `SELECT id FROM workflows WHERE owner_id = 'acme' AND deleted_at IS NULL LIMIT 1`,
    )
    const workflowId = Buffer.from(`Workflow:${workflow?.id}`).toString('base64')
    const { createSchedule } = await acme.ask(MAKE_SCHEDULE, { workflowId })
    if (createSchedule.__typename !== 'CreateSchedulePayload') throw new Error(createSchedule.__typename)
    expect((await acme.ask(MAKE_SCHEDULE, { workflowId })).createSchedule).toMatchObject({
      quota: 'SCHEDULES',
    })
    await acme.ask(DELETE_SCHEDULE, { id: createSchedule.schedule.id })
    expect((await acme.ask(MAKE_SCHEDULE, { workflowId })).createSchedule.__typename).toBe(
      'CreateSchedulePayload',
    )
  })

  test('secrets: one more is refused until one is deleted; a new value of the same one is not', async () => {
    const set = async (client: GraphqlClient, name: string) =>
      (await client.ask(SET_SECRET, { name })).setSecret.__typename
    expect(await set(acme, 'first')).toBe('SetSecretPayload')
    expect(await set(acme, 'first')).toBe('SetSecretPayload')
    expect((await acme.ask(SET_SECRET, { name: 'second' })).setSecret).toMatchObject({ quota: 'SECRETS' })
    expect(await set(globex, 'second')).toBe('SetSecretPayload')
    await acme.ask(DELETE_SECRET, { name: 'first' })
    expect(await set(acme, 'second')).toBe('SetSecretPayload')
  })

  test('API keys: one more is refused until one is revoked', async () => {
    const { createApiKey: first } = await acme.ask(MAKE_KEY, {})
    if (first.__typename !== 'CreateApiKeyPayload') throw new Error(first.__typename)
    expect((await acme.ask(MAKE_KEY, {})).createApiKey).toMatchObject({ quota: 'API_KEYS' })
    expect((await globex.ask(MAKE_KEY, {})).createApiKey.__typename).toBe('CreateApiKeyPayload')
    await acme.ask(REVOKE_KEY, { id: first.apiKey.id })
    expect((await acme.ask(MAKE_KEY, {})).createApiKey.__typename).toBe('CreateApiKeyPayload')
  })
})

/** Text of about that many bytes, as an object: what compresses well takes less room than it has letters. */
function incompressible(bytes: number): { readonly text: string } {
  return { text: randomBytes(Math.ceil((bytes * 3) / 4)).toString('base64') }
}
