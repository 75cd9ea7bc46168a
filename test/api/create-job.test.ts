import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { Closers } from '../../src/lib/async/closers.ts'
import { systemClock } from '../../src/lib/time/clock.ts'
import { graphql } from '../gql/index.ts'
import type { CreateJobInput } from '../gql/graphql.ts'
import { startApiServer, type ApiServer } from '../support/api-server.ts'
import { APIFY_TOKEN, startApifyServer, type ApifyServer } from '../support/providers/apify-server.ts'
import {
  APOLLO_BASE_PATH,
  APOLLO_KEY,
  startApolloServer,
  type ApolloServer,
} from '../support/providers/apollo-server.ts'
import { startMetaServer, type MetaServer } from '../support/providers/meta-server.ts'
import { timelineOf } from '../support/runs.ts'
import { until } from '../support/until.ts'

const CREATE = graphql(`
  mutation CreateAnyJob($input: CreateJobInput!) {
    createJob(input: $input) {
      __typename
      ... on CreateJobPayload {
        deduplicated
        job {
          id
          type
        }
        execution {
          id
          job {
            id
          }
        }
        diagnostics {
          code
          severity
        }
      }
      ... on InputInvalid {
        problems {
          pointer
          message
        }
      }
      ... on Error {
        code
        message
        path
      }
    }
  }
`)

const READ = graphql(`
  query ReadCreatedJob($id: ID!, $first: Int, $after: String) {
    job(id: $id) {
      status
      type
      progress
      result
      error {
        code
        path
      }
      contacts(first: $first, after: $after) {
        totalCount
        pageInfo {
          hasNextPage
          endCursor
        }
        edges {
          node {
            source
            sourceId
            firstName
            lastName
            email
            username
            followers
          }
        }
      }
    }
  }
`)

const CANCEL = graphql(`
  mutation CancelCreatedJob($id: ID!) {
    cancelJob(input: { id: $id }) {
      __typename
    }
  }
`)

const META_TOKEN = 'meta-test-token'
const ACCOUNT = 'act_123456'

let closers: Closers
let apollo: ApolloServer
let apify: ApifyServer
let meta: MetaServer
let server: ApiServer

beforeEach(async () => {
  closers = new Closers()
  ;[apollo, apify, meta] = await Promise.all([
    startApolloServer(systemClock),
    startApifyServer(),
    startMetaServer(META_TOKEN),
  ])
  for (const provider of [apollo, apify, meta]) closers.add(() => provider.close())
  server = await startApiServer({
    config: {
      providers: {
        apollo: { baseUrl: apollo.origin + APOLLO_BASE_PATH },
        apify: { baseUrl: apify.origin },
        meta: { baseUrl: `${meta.origin}/v26.0` },
      },
      secrets: { apollo: APOLLO_KEY, apify: APIFY_TOKEN, meta: META_TOKEN },
    },
  })
  closers.add(() => server.stop())
})
afterEach(() => closers.close())

async function ask(input: CreateJobInput) {
  return (await server.client.ask(CREATE, { input })).createJob
}

/** Creates a job that must be accepted. */
async function create(input: CreateJobInput): Promise<string> {
  const result = await ask(input)
  if (result.__typename !== 'CreateJobPayload') throw new Error(JSON.stringify(result))
  return result.job.id
}

async function read(id: string, page: { first?: number; after?: string | null } = {}) {
  const { job } = await server.client.ask(READ, { id, ...page })
  if (!job) throw new Error('the job is not there')
  return job
}

/** Follows a job to its end, and reads it. */
async function ended(id: string) {
  await timelineOf(server, id)
  return read(id)
}

function person(number: number) {
  return {
    id: `p${number}`,
    first_name: 'Ada',
    last_name: `Lovelace ${number}`,
    title: 'CTO',
    email: `ada.${number}@acme.example`,
  }
}

describe('a SEARCH job', () => {
  test('finds people, each once, and its result is read in pages', async () => {
    apollo.putPeople([...Array.from({ length: 130 }, (_, i) => person(i)), person(7)])
    const id = await create({ search: { people: { titles: ['CTO'], maxResults: 500 } } })
    const job = await ended(id)
    expect(job).toMatchObject({ type: 'SEARCH', status: 'COMPLETED', progress: 100 })
    expect(job.result).toMatchObject({ found: 131, duplicates: 1, total: 131 })
    expect(apollo.spent).toBe(0)
    const seen: (string | null)[] = []
    for (let after: string | null = null, isMore = true; isMore;) {
      const { contacts } = await read(id, { first: 50, after })
      expect(contacts.totalCount).toBe(130)
      seen.push(...contacts.edges.map(({ node }) => node.sourceId))
      isMore = contacts.pageInfo.hasNextPage
      after = contacts.pageInfo.endCursor
    }
    expect(seen).toEqual(Array.from({ length: 130 }, (_, i) => `p${i}`))
  })

  test('buys contact data where it is asked for, and an upload takes it from there', async () => {
    apollo.putPeople(Array.from({ length: 25 }, (_, i) => person(i)))
    const id = await create({ search: { people: { titles: ['CTO'], enrich: true } } })
    const { contacts } = await ended(id)
    expect(contacts.edges[3]?.node).toMatchObject({
      source: 'APOLLO',
      lastName: 'Lovelace 3',
      email: 'ada.3@acme.example',
    })
    expect(apollo.spent).toBe(25)

    const upload = await create({
      uploadToMeta: { audience: { accountId: ACCOUNT, name: 'CTOs' }, fromJobId: id },
    })
    const job = await ended(upload)
    expect(job).toMatchObject({
      type: 'UPLOAD_TO_META',
      status: 'COMPLETED',
      result: { sent: 25, received: 25 },
    })
    const [audience, ...others] = meta.audiences('123456')
    expect(others).toEqual([])
    expect(meta.members(audience?.id ?? '')).toHaveLength(25)
    expect(JSON.stringify(meta.calls.map(({ body }) => body))).not.toContain('acme.example')
  })

  test('finds profiles, and a cancel aborts the run behind it', async () => {
    const profile = {
      id: '7',
      username: 'acme',
      fullName: 'Acme',
      biography: 'hi@acme.example',
      followersCount: 12,
    }
    apify.scriptNextRun({ items: [profile, profile], polls: 0 })
    const id = await create({ search: { profiles: { targets: ['acme'] } } })
    const { contacts, status } = await ended(id)
    expect(status).toBe('COMPLETED')
    expect(contacts.edges).toEqual([
      {
        node: expect.objectContaining({
          source: 'APIFY',
          username: 'acme',
          email: 'hi@acme.example',
          followers: 12,
        }),
      },
    ])

    apify.scriptNextRun({ isHeld: true })
    const held = await create({ search: { profiles: { targets: ['bob'] } } })
    await apify.received('/v2/actor-runs/run2')
    await server.client.ask(CANCEL, { id: held })
    expect((await ended(held)).status).toBe('CANCELED')
    expect(apify.runs[1]?.status).toBe('ABORTED')
  })
})

test('a created job leads to its execution, and to what its starter may want to know', async () => {
  const call = { url: 'http://127.0.0.1:9/', headers: { authorization: '{{ secrets.nobody_set_this }}' } }
  const nodes = [{ id: 'call', type: 'api.http', config: call }]
  const warned = await ask({ workflow: { definition: { nodes, edges: [] } } })
  expect(warned).toMatchObject({
    __typename: 'CreateJobPayload',
    diagnostics: [{ code: 'SECRET_UNAVAILABLE', severity: 'WARNING' }],
  })
  if (warned.__typename !== 'CreateJobPayload') throw new Error(warned.__typename)
  expect(warned.execution.job.id).toBe(warned.job.id)
  await ended(warned.job.id)
})

describe('a job in the mode TEST', () => {
  test.each([
    [
      'a search',
      { search: { people: { titles: ['CTO'] } }, mocks: { search: { output: { contacts: [person(1)] } } } },
      { contacts: [person(1)] },
    ],
    [
      'an upload',
      {
        uploadToMeta: { audienceId: '1', contacts: [{ email: 'ada@acme.example' }] },
        mocks: { upload: { output: { sent: 1 } } },
      },
      { sent: 1 },
    ],
    [
      'a workflow',
      {
        workflow: { definition: { nodes: [{ id: 'get', type: 'api.http', config: { url: 'http://x' } }] } },
        mocks: { get: { output: 'mocked' } },
      },
      'mocked',
    ],
  ] as const)('%s does what its mocks say, and calls nobody', async (_what, input, result) => {
    const id = await create({ ...(input as unknown as CreateJobInput), mode: 'TEST' })
    expect(await ended(id)).toMatchObject({ status: 'COMPLETED', result })
    expect([apollo.spent, meta.calls.length]).toEqual([0, 0])
  })

  test('refuses a mock of a node that it does not have', async () => {
    expect(
      await ask({ search: { people: {} }, mode: 'TEST', mocks: { upload: { output: 1 } } }),
    ).toMatchObject({
      __typename: 'InvalidArgument',
      path: ['input', 'mocks'],
      message: expect.stringContaining('names no node'),
    })
  })
})

describe('createJob refuses', () => {
  test.each([
    [{}, ['input'], 'InvalidArgument'],
    [{ search: { people: {} }, workflow: { definition: {} } }, ['input'], 'InvalidArgument'],
    [{ search: {} }, ['input', 'search'], 'InputInvalid'],
    [{ search: { people: { maxResults: 0 } } }, ['input', 'search'], 'InputInvalid'],
    [{ search: { people: {} }, priority: 1_000 }, ['input', 'priority'], 'InvalidArgument'],
    [{ uploadToMeta: { audienceId: '1' } }, ['input', 'uploadToMeta'], 'InputInvalid'],
    [{ workflow: {} }, ['input', 'workflow'], 'InvalidArgument'],
    [{ workflow: { workflowId: 'none' } }, ['input', 'workflow', 'workflowId'], 'NotFound'],
    [
      { uploadToMeta: { audienceId: '1', fromJobId: 'none' } },
      ['input', 'uploadToMeta', 'fromJobId'],
      'NotFound',
    ],
  ] as const)('%j, and says where', async (input, path, typename) => {
    expect(await ask(input as CreateJobInput)).toMatchObject({ __typename: typename, path })
  })

  test('another payload under the same key', async () => {
    const input = { search: { people: { titles: ['CTO'] } }, idempotencyKey: 'once' }
    const first = await ask(input)
    expect(await ask(input)).toEqual({ ...first, deduplicated: true })
    expect(await ask({ ...input, search: { people: {} } })).toMatchObject({
      __typename: 'IdempotencyConflict',
    })
  })
})

test('thirty jobs of all types run side by side, and none touches another', async () => {
  apollo.putPeople(Array.from({ length: 5 }, (_, i) => ({ ...person(i), title: `title ${i}` })))
  for (let i = 0; i < 5; i++) apify.scriptNextRun({ isHeld: true, items: [] })
  const audiences = Array.from({ length: 8 }, (_, i) => meta.addAudience('123456', `audience ${i}`))

  const workflows = Array.from({ length: 10 }, (_, i) => {
    const fails = { id: 'a', type: 'core.fail', config: { code: 'AS_WANTED', message: `${i}` } }
    const works = { id: 'a', type: 'core.transform', config: { value: `${i}` } }
    return { workflow: { definition: { nodes: [i % 3 === 0 ? fails : works], edges: [] } } }
  })
  const people = Array.from({ length: 5 }, (_, i) => ({ search: { people: { titles: [`title ${i}`] } } }))
  const profiles = Array.from({ length: 5 }, (_, i) => ({ search: { profiles: { targets: [`held${i}`] } } }))
  const uploads = Array.from({ length: 10 }, (_, i) => ({
    uploadToMeta: {
      audienceId: audiences[i] ?? '404404',
      contacts: Array.from({ length: i + 1 }, (_, n) => ({ email: `c${n}@acme.example` })),
    },
  }))
  const ids = await Promise.all([...workflows, ...people, ...profiles, ...uploads].map(create))

  await until('all profile searches have their runs', () => apify.runs.length === 5)
  const targetOf = (id: number) => `https://www.instagram.com/held${id}/`
  const runFor = (id: number) =>
    apify.runs.find(({ input }) => JSON.stringify(input).includes(targetOf(id)))?.id ?? ''
  const heldIds = ids.slice(15, 20)
  for (const id of heldIds.slice(0, 3)) await server.client.ask(CANCEL, { id })
  for (const held of [3, 4]) apify.finish(runFor(held))

  const jobs = await Promise.all(ids.map(ended))
  expect(jobs.slice(0, 10)).toEqual(
    workflows.map((_, i) =>
      i % 3 === 0
        ? expect.objectContaining({ status: 'FAILED', error: { code: 'AS_WANTED', path: 'a' } })
        : expect.objectContaining({ status: 'COMPLETED', result: `${i}` }),
    ),
  )
  expect(jobs.slice(10, 15).map(({ contacts }) => contacts.edges.map(({ node }) => node.sourceId))).toEqual(
    people.map((_, i) => [`p${i}`]),
  )
  expect(jobs.slice(15, 20).map(({ status }) => status)).toEqual([
    'CANCELED',
    'CANCELED',
    'CANCELED',
    'COMPLETED',
    'COMPLETED',
  ])
  const aborted = apify.runs.filter(({ status }) => status === 'ABORTED').map(({ id }) => id)
  expect(new Set(aborted)).toEqual(new Set([0, 1, 2].map(runFor)))
  expect(jobs.slice(20).map(({ status }) => status)).toEqual([
    ...audiences.map(() => 'COMPLETED'),
    'FAILED',
    'FAILED',
  ])
  expect(audiences.map((id) => meta.members(id).length)).toEqual(audiences.map((_, i) => i + 1))
  for (const id of ids) {
    const timeline = await timelineOf(server, id)
    expect(timeline.map(({ seq }) => seq)).toEqual(timeline.map((_, i) => i + 1))
  }
  expect(server.takeFaults()).toEqual([])
}, 90_000)
