import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { startApiServer, type ApiServer } from '../support/api-server.ts'
import type { GraphqlAnswer } from '../support/graphql-client.ts'

let server: ApiServer
beforeAll(async () => {
  server = await startApiServer()
})
afterAll(async () => {
  expect(server.takeFaults()).toEqual([])
  await server.stop()
})

interface Operation {
  readonly query: string
  readonly variables?: Readonly<Record<string, unknown>>
}

const send = (operation: Operation) => server.client.post(JSON.stringify(operation))

function refusalOf({ status, data, errors }: GraphqlAnswer<unknown>) {
  return [status, data, errors.map(({ extensions }) => extensions?.code)]
}

const JOBS = 'query ($k: [JobStatus!]) { jobs(filter: { status: $k }) { totalCount } }'
const FILTERED = 'query ($f: JobFilter) { jobs(filter: $f) { totalCount } }'
const CREATE_JOB = 'mutation ($input: CreateJobInput!) { createJob(input: $input) { __typename } }'
const EXECUTE = 'mutation ($input: ExecuteWorkflowInput!) { executeWorkflow(input: $input) { __typename } }'
const many = <T>(value: T, length = 101): readonly T[] => Array.from({ length }, () => value)

describe('a list that is too long is refused with LIST_TOO_LONG, its length and its limit', () => {
  test.each<[where: string, operation: Operation, facts: object]>([
    [
      'as a variable',
      { query: JOBS, variables: { k: many('NOPE') } },
      { argument: '$k', length: 101, limit: 100 },
    ],
    [
      'in an input object of a variable',
      { query: FILTERED, variables: { f: { status: many('FAILED') } } },
      { argument: '$f.status', length: 101, limit: 100 },
    ],
    [
      'deep in an input object of a variable',
      { query: CREATE_JOB, variables: { input: { search: { profiles: { targets: many('x', 1_001) } } } } },
      { argument: '$input.search.profiles.targets', length: 1_001, limit: 1_000 },
    ],
    [
      'as a literal',
      { query: `{ jobs(filter: { status: [${many('FAILED').join(' ')}] }) { totalCount } }` },
      { argument: 'filter.status', length: 101, limit: 100 },
    ],
    [
      'as a literal in a fragment',
      {
        query: `{ ...F } fragment F on Query { jobStats(type: [${many('SEARCH').join(' ')}]) { lastRunAt } }`,
      },
      { argument: 'type', length: 101, limit: 100 },
    ],
    [
      'as the default of a variable',
      { query: JOBS.replace('[JobStatus!]', `[JobStatus!] = [${many('FAILED').join(' ')}]`) },
      { argument: '$k', length: 101, limit: 100 },
    ],
    [
      'as a list of ids',
      { query: 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', variables: { ids: many('x', 1_001) } },
      { argument: '$ids', length: 1_001, limit: 1_000 },
    ],
    [
      'as people of an upload',
      { query: CREATE_JOB, variables: { input: { uploadToMeta: { contacts: many({}, 50_001) } } } },
      { argument: '$input.uploadToMeta.contacts', length: 50_001, limit: 50_000 },
    ],
  ])('%s', async (_where, operation, facts) => {
    const answer = await send(operation)
    expect(refusalOf(answer)).toEqual([400, null, ['LIST_TOO_LONG']])
    expect(answer.errors[0]?.extensions).toEqual({ code: 'LIST_TOO_LONG', ...facts })
    expect(answer.errors[0]?.message).toContain(`${Object.values(facts)[0]}`)
  })

  test('with values that are good as with values that are not, and whatever the client accepts', async () => {
    for (const status of ['FAILED', 'NOPE']) {
      const body = JSON.stringify({ query: JOBS, variables: { k: many(status, 150_000) } })
      const response = await fetch(server.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json' },
        body,
      })
      expect(response.status).toBe(400)
      expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'LIST_TOO_LONG' } }] })
    }
  })

  test('over a WebSocket and in a subscription', async () => {
    const client = createClient({
      url: server.url.replace('http', 'ws'),
      webSocketImpl: WebSocket,
      retryAttempts: 0,
    })
    const query = 'subscription ($k: [JobStatus!]) { jobsChanged(filter: { status: $k }) { id } }'
    for (const operation of [
      { query, variables: { k: many('FAILED') } },
      { query: JOBS, variables: { k: many('FAILED') } },
    ]) {
      const { value } = await client.iterate(operation).next()
      expect(value).toMatchObject({ errors: [{ extensions: { code: 'LIST_TOO_LONG' } }] })
    }
    await client.dispose()
  })
})

describe('a list within its limit is read', () => {
  test.each<[what: string, operation: Operation]>([
    ['of just as many items', { query: JOBS, variables: { k: many('FAILED', 100) } }],
    ['that is a single value', { query: JOBS, variables: { k: 'FAILED' } }],
    ['that is null', { query: JOBS, variables: { k: null } }],
    [
      'that is a literal with variables',
      {
        query: JOBS.replace('status: $k', 'status: [FAILED, RUNNING], tags: []').replace(
          '($k: [JobStatus!])',
          '',
        ),
      },
    ],
  ])('%s', async (_what, operation) => {
    expect(await send(operation)).toMatchObject({
      status: 200,
      data: { jobs: { totalCount: 0 } },
      errors: [],
    })
  })
})

describe('errors about variables', () => {
  test('stop at fifty, and their answer is small', async () => {
    const strange = Object.fromEntries(many(1, 60).map((_one, index) => [`strange${index}`, 1]))
    for (const variables of [
      {
        input: {
          definition: 'x'.repeat(1_000_000),
          ...Object.fromEntries(Object.entries(strange).slice(0, 50)),
        },
      },
      { input: { definition: 'x'.repeat(1_000_000), tags: many(5, 100) } },
    ]) {
      const answer = await send({ query: EXECUTE, variables })
      expect([answer.status, answer.data]).toEqual([400, null])
      expect(new Set(answer.errors.map(({ extensions }) => extensions?.code))).toEqual(
        new Set(['BAD_USER_INPUT']),
      )
      expect(answer.errors.length).toBeLessThanOrEqual(51)
      expect(answer.errors.length).toBeGreaterThanOrEqual(50)
      expect(JSON.stringify(answer.errors).length).toBeLessThan(50_000)
    }
  })

  test.each([
    [
      'more fields than the type has',
      Object.fromEntries(many(1, 40_000).map((_one, index) => [`f${index}`, 1])),
    ],
    ['a field with a name of a megabyte', { ['x'.repeat(1_000_000)]: 1 }],
  ])('name no field of an input with %s', async (_what, input) => {
    const answer = await send({ query: EXECUTE, variables: { input } })
    expect(refusalOf(answer)).toEqual([400, null, ['BAD_USER_INPUT']])
    expect(answer.errors[0]?.message.length).toBeLessThan(200)
  })

  test('of the document are short as well', async () => {
    const name = 'x'.repeat(90_000)
    const answer = await send({ query: `{ ${name} }` })
    expect(refusalOf(answer)).toEqual([400, null, ['GRAPHQL_VALIDATION_FAILED']])
    expect(answer.errors[0]?.message.length).toBeLessThan(3_000)
  })
})

describe('a text that is too long is refused with TEXT_TOO_LONG before anything reads it', () => {
  test.each<[what: string, operation: Operation]>([
    [
      'an id',
      { query: 'query ($id: ID!) { node(id: $id) { id } }', variables: { id: 'x'.repeat(5_000_000) } },
    ],
    ['a time', { query: FILTERED, variables: { f: { createdAfter: '1'.repeat(5_000_000) } } }],
    ['a value of an enum', { query: JOBS, variables: { k: ['x'.repeat(5_000_000)] } }],
    [
      'a cursor',
      {
        query: 'query ($after: String) { jobs(after: $after) { totalCount } }',
        variables: { after: 'x'.repeat(5_000_000) },
      },
    ],
    ['a tag', { query: EXECUTE, variables: { input: { tags: ['x'.repeat(5_000_000)] } } }],
    ['a literal', { query: `{ node(id: "${'x'.repeat(5_000)}") { id } }` }],
  ])('%s', async (_what, operation) => {
    expect(refusalOf(await send(operation))).toEqual([400, null, ['TEXT_TOO_LONG']])
  })
})

describe('a variable in a JSON literal', () => {
  const repeat = (times: number) =>
    `mutation ($v: JSON) { executeWorkflow(input: { definition: { nodes: [], more: [${'$v '.repeat(times)}] } }) { __typename } }`

  test('stands there often when it is small', async () => {
    expect((await send({ query: repeat(1_000), variables: { v: 'x' } })).status).toBe(200)
  })

  test('cannot make an argument larger than a request may be', async () => {
    for (const v of [many(1, 1_000), 'x'.repeat(100_000)]) {
      expect(refusalOf(await send({ query: repeat(1_000), variables: { v } }))).toEqual([
        413,
        null,
        ['BODY_TOO_COMPLEX'],
      ])
    }
  })

  test('cannot make all arguments of an operation larger than two requests may be', async () => {
    const validate = (index: number) =>
      `a${index}: validateWorkflow(input: { definition: $v }) { __typename }`
    const often = (times: number) =>
      `mutation ($v: JSON) { ${Array.from({ length: times }, (_, index) => validate(index)).join(' ')} }`
    expect((await send({ query: often(2), variables: { v: many(1, 1_000) } })).status).toBe(200)
    expect(refusalOf(await send({ query: often(5), variables: { v: many(1, 100_000) } }))).toEqual([
      413,
      null,
      ['BODY_TOO_COMPLEX'],
    ])
  })
})
