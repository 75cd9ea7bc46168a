import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { graphql } from '../gql/index.ts'
import type { CreateWorkflowInput, ListWorkflowsQueryVariables, UpdateWorkflowInput } from '../gql/graphql.ts'
import { startApiServer, type ApiServer } from '../support/api-server.ts'
import { GREETING, SIMPLE } from '../support/definitions.ts'

const CREATE = graphql(`
  mutation CreateWorkflow($input: CreateWorkflowInput!) {
    createWorkflow(input: $input) {
      __typename
      ... on CreateWorkflowPayload {
        workflow {
          id
          name
          description
          tags
          revision
          definition
          createdAt
          updatedAt
          diagnostics {
            code
          }
          graph {
            nodes {
              id
              type
              name
              config
              position {
                x
                y
              }
              document
            }
            edges {
              source
              target
              sourceHandle
              document
            }
          }
        }
        diagnostics {
          code
          severity
          pointer
          nodeId
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

const UPDATE = graphql(`
  mutation UpdateWorkflow($input: UpdateWorkflowInput!) {
    updateWorkflow(input: $input) {
      __typename
      ... on UpdateWorkflowPayload {
        workflow {
          id
          name
          description
          tags
          revision
          definition
          updatedAt
        }
        diagnostics {
          code
        }
      }
      ... on RevisionConflict {
        revision
        workflow {
          id
          revision
          definition
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

const DELETE = graphql(`
  mutation DeleteWorkflow($input: DeleteWorkflowInput!) {
    deleteWorkflow(input: $input) {
      __typename
      ... on DeleteWorkflowPayload {
        deletedId
      }
      ... on RevisionConflict {
        revision
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
  query ReadWorkflow($id: ID!) {
    workflow(id: $id) {
      id
      name
      revision
      definition
    }
  }
`)

const LIST = graphql(`
  query ListWorkflows($first: Int, $after: String, $last: Int, $before: String) {
    workflows(first: $first, after: $after, last: $last, before: $before) {
      totalCount
      pageInfo {
        hasNextPage
        hasPreviousPage
        startCursor
        endCursor
      }
      edges {
        cursor
        node {
          id
          name
        }
      }
    }
  }
`)

const COUNT = graphql(`
  query CountWorkflows {
    workflows {
      totalCount
    }
  }
`)

let server: ApiServer
beforeAll(async () => {
  server = await startApiServer()
})
afterAll(async () => {
  expect(server.takeFaults()).toEqual([])
  await server.stop()
})

async function create(input: CreateWorkflowInput) {
  const { createWorkflow } = await server.client.ask(CREATE, { input })
  if (createWorkflow.__typename !== 'CreateWorkflowPayload') throw new Error(createWorkflow.message)
  return createWorkflow
}

async function update(input: UpdateWorkflowInput) {
  return (await server.client.ask(UPDATE, { input })).updateWorkflow
}

describe('createWorkflow', () => {
  test('stores what it is given and gives it back, unknown fields and the order of keys included', async () => {
    const { workflow, diagnostics } = await create({
      name: 'Mine',
      description: 'Says hello',
      tags: ['hello', 'test', 'hello'],
      definition: GREETING,
    })
    expect(workflow).toMatchObject({
      name: 'Mine',
      description: 'Says hello',
      tags: ['hello', 'test'],
      revision: 1,
      diagnostics: [],
    })
    expect(JSON.stringify(workflow.definition)).toBe(JSON.stringify(GREETING))
    expect(workflow.createdAt).toBe(workflow.updatedAt)
    expect(Date.parse(workflow.createdAt)).toBeGreaterThan(Date.now() - 60_000)
    expect(diagnostics).toEqual([])
  })

  test('shows the draft as a typed graph, too', async () => {
    const { workflow } = await create({ definition: GREETING })
    const [greet, length] = workflow.graph.nodes
    expect(greet).toEqual({
      id: 'greet',
      type: 'core.transform',
      name: 'Greet',
      config: GREETING.nodes[0]?.config,
      position: { x: 1.5, y: 2 },
      document: GREETING.nodes[0],
    })
    expect(length).toMatchObject({ id: 'length', name: null, position: null })
    expect(workflow.graph.edges).toEqual([
      { source: 'greet', target: 'shout', sourceHandle: 'out', document: GREETING.edges[0] },
      { source: 'length', target: 'shout', sourceHandle: 'out', document: GREETING.edges[1] },
    ])
  })

  test('names a workflow after its definition, or not at all', async () => {
    expect((await create({ definition: GREETING })).workflow.name).toBe('Greeting')
    expect((await create({})).workflow).toMatchObject({
      name: 'Untitled workflow',
      description: '',
      tags: [],
      definition: { nodes: [], edges: [] },
    })
  })

  test('saves a draft that cannot run, and tells what is wrong with it', async () => {
    const { workflow, diagnostics } = await create({
      definition: { nodes: [{ id: 'a', type: 'core.filtre', config: {} }], edges: 5, half: ['finished'] },
    })
    expect(workflow.definition).toEqual({
      nodes: [{ id: 'a', type: 'core.filtre', config: {} }],
      edges: 5,
      half: ['finished'],
    })
    expect(workflow.graph.nodes).toHaveLength(1)
    expect(workflow.graph.edges).toEqual([])
    expect(diagnostics).toEqual([
      { code: 'DEFINITION_MALFORMED', severity: 'ERROR', pointer: '/edges', nodeId: null },
      { code: 'BLOCK_UNKNOWN', severity: 'ERROR', pointer: '/nodes/0/type', nodeId: 'a' },
    ])
  })

  test.each<[what: string, input: CreateWorkflowInput, field: string]>([
    ['an empty name', { name: ' ' }, 'name'],
    ['a name that is too long', { name: 'x'.repeat(201) }, 'name'],
    ['a NUL in a name', { name: 'a\u0000b' }, 'name'],
    ['half a character in a name', { name: '\ud800' }, 'name'],
    ['a NUL in a description', { description: '\u0000' }, 'description'],
    ['a description that is too long', { description: 'x'.repeat(10_001) }, 'description'],
    ['an empty tag', { tags: [''] }, 'tags'],
    ['too many tags', { tags: Array.from({ length: 51 }, (_, index) => String(index)) }, 'tags'],
    ['a definition that is no object', { definition: [] }, 'definition'],
    ['a NUL in a definition', { definition: { nodes: [], note: 'a\u0000b' } }, 'definition'],
  ])('refuses %s', async (_what, input, field) => {
    const { createWorkflow } = await server.client.ask(CREATE, { input })
    expect(createWorkflow).toEqual({
      __typename: 'InvalidArgument',
      code: 'INVALID_ARGUMENT',
      message: expect.any(String),
      path: ['input', field],
    })
  })
})

describe('updateWorkflow', () => {
  test('changes what it names, keeps the rest, and counts the revision', async () => {
    const { workflow } = await create({ name: 'Old', tags: ['a'], definition: GREETING })
    const result = await update({ id: workflow.id, name: 'New' })
    if (result.__typename !== 'UpdateWorkflowPayload') throw new Error(result.message)
    expect(result.workflow).toMatchObject({ name: 'New', tags: ['a'], revision: 2, definition: GREETING })
    expect(Date.parse(result.workflow.updatedAt)).toBeGreaterThanOrEqual(Date.parse(workflow.updatedAt))

    const again = await update({ id: workflow.id, tags: [], definition: SIMPLE, expectedRevision: 2 })
    expect(again).toMatchObject({ workflow: { name: 'New', tags: [], revision: 3, definition: SIMPLE } })
  })

  test('refuses to write over a change that the writer has not seen', async () => {
    const { workflow } = await create({ name: 'Contested' })
    await update({ id: workflow.id, expectedRevision: 1, name: 'First', definition: SIMPLE })
    expect(await update({ id: workflow.id, expectedRevision: 1, name: 'Second' })).toEqual({
      __typename: 'RevisionConflict',
      revision: 2,
      workflow: { id: workflow.id, revision: 2, definition: SIMPLE },
      code: 'REVISION_CONFLICT',
      message: expect.stringContaining('2'),
      path: ['input', 'expectedRevision'],
    })
    expect((await server.client.ask(READ, { id: workflow.id })).workflow).toMatchObject({
      name: 'First',
      revision: 2,
    })
  })

  test('lets exactly one of many writers at the same revision through', async () => {
    const { workflow } = await create({ name: 'Raced' })
    const results = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        update({ id: workflow.id, expectedRevision: 1, name: `Writer ${index}` }),
      ),
    )
    const names = results.map(({ __typename }) => __typename)
    expect(names.filter((name) => name === 'UpdateWorkflowPayload')).toHaveLength(1)
    expect(names.filter((name) => name === 'RevisionConflict')).toHaveLength(7)
  })

  test.each([
    ['garbage', 'garbage'],
    ['a UUID of nothing', '00000000-0000-7000-8000-000000000000'],
    ['an id of another type', Buffer.from('Job:00000000-0000-7000-8000-000000000000').toString('base64')],
    ['an id with a NUL in it', Buffer.from('Workflow:\u0000').toString('base64')],
    ['nothing', ''],
  ])('finds nothing by %s', async (_what, id) => {
    expect(await update({ id, name: 'New' })).toEqual({
      __typename: 'NotFound',
      code: 'NOT_FOUND',
      message: 'There is no such workflow.',
      path: ['input', 'id'],
    })
  })
})

describe('deleteWorkflow', () => {
  test('makes a workflow disappear from everywhere', async () => {
    const { workflow } = await create({ name: 'Doomed' })
    const before = (await server.client.ask(COUNT, {})).workflows.totalCount
    expect((await server.client.ask(DELETE, { input: { id: workflow.id } })).deleteWorkflow).toEqual({
      __typename: 'DeleteWorkflowPayload',
      deletedId: workflow.id,
    })
    expect((await server.client.ask(READ, { id: workflow.id })).workflow).toBeNull()
    expect((await server.client.ask(COUNT, {})).workflows.totalCount).toBe(before - 1)
    expect(await update({ id: workflow.id, name: 'Back' })).toMatchObject({ __typename: 'NotFound' })
    expect((await server.client.ask(DELETE, { input: { id: workflow.id } })).deleteWorkflow).toMatchObject({
      code: 'NOT_FOUND',
    })
  })

  test('refuses when the workflow was changed meanwhile', async () => {
    const { workflow } = await create({ name: 'Busy' })
    await update({ id: workflow.id, name: 'Busier' })
    const input = { id: workflow.id, expectedRevision: 1 }
    expect((await server.client.ask(DELETE, { input })).deleteWorkflow).toMatchObject({
      code: 'REVISION_CONFLICT',
      revision: 2,
      path: ['input', 'expectedRevision'],
    })
    expect((await server.client.ask(READ, { id: workflow.id })).workflow).not.toBeNull()
  })
})

describe('workflow', () => {
  test('is found by its global id and by its bare UUID, in any case', async () => {
    const { workflow } = await create({ name: 'Found' })
    const uuid = Buffer.from(workflow.id, 'base64').toString().split(':')[1] ?? ''
    for (const id of [workflow.id, uuid, uuid.toUpperCase()]) {
      expect((await server.client.ask(READ, { id })).workflow?.id).toBe(workflow.id)
    }
  })

  test('is null for what is not there', async () => {
    for (const id of ['', 'garbage', '00000000-0000-7000-8000-000000000000', "' OR 1=1 --"]) {
      expect((await server.client.ask(READ, { id })).workflow).toBeNull()
    }
  })
})

describe('workflows', () => {
  let list: ApiServer
  let names: readonly string[]
  beforeAll(async () => {
    list = await startApiServer()
    for (let index = 0; index < 25; index++) {
      await list.client.ask(CREATE, { input: { name: `Workflow ${index}` } })
    }
    names = Array.from({ length: 25 }, (_, index) => `Workflow ${24 - index}`)
  })
  afterAll(() => list.stop())

  const page = async (variables: ListWorkflowsQueryVariables) =>
    (await list.client.ask(LIST, variables)).workflows
  type Page = Awaited<ReturnType<typeof page>>
  const namesOf = ({ edges }: Page) => edges.map(({ node }) => node.name)

  test('come by twenty, newest first, with the number of all', async () => {
    const first = await page({})
    expect(namesOf(first)).toEqual(names.slice(0, 20))
    expect(first).toMatchObject({
      totalCount: 25,
      pageInfo: {
        hasNextPage: true,
        hasPreviousPage: false,
        startCursor: first.edges[0]?.cursor,
        endCursor: first.edges[19]?.cursor,
      },
    })
  })

  test('are paged forwards without a gap or a repetition', async () => {
    const seen: string[] = []
    let after: string | null = null
    do {
      const next: Page = await page({ first: 7, after })
      seen.push(...namesOf(next))
      after = next.pageInfo.hasNextPage ? (next.pageInfo.endCursor ?? null) : null
    } while (after)
    expect(seen).toEqual(names)
  })

  test('are paged backwards without a gap or a repetition', async () => {
    const seen: string[] = []
    let before: string | null = null
    do {
      const next: Page = await page({ last: 7, before })
      seen.unshift(...namesOf(next))
      before = next.pageInfo.hasPreviousPage ? (next.pageInfo.startCursor ?? null) : null
    } while (before)
    expect(seen).toEqual(names)
  })

  test('never come by more than a hundred', async () => {
    for (let index = 25; index < 105; index++) {
      await list.client.ask(CREATE, { input: { name: `Workflow ${index}` } })
    }
    expect((await page({ first: 1_000_000 })).edges).toHaveLength(100)
    expect((await page({ last: 1_000_000 })).edges).toHaveLength(100)
  })

  test('go on behind a workflow that was deleted meanwhile', async () => {
    const first = await page({ first: 2 })
    const [, last] = first.edges
    await list.client.ask(DELETE, { input: { id: last?.node.id ?? '' } })
    const next = await page({ first: 2, after: last?.cursor ?? null })
    expect(namesOf(next)).toEqual(['Workflow 102', 'Workflow 101'])
  })

  test.each([
    ['a negative number', { first: -1 }],
    ['a cursor that is none', { after: 'garbage' }],
    ['a cursor of something else', { after: Buffer.from('GPC:S:not-a-uuid').toString('base64') }],
    ['before and after at the same time', { first: 1, after: 'R1BD', before: 'R1BD' }],
    ['`last` with `after`', { last: 1, after: 'R1BD' }],
  ])('refuse %s with a code', async (_what, variables) => {
    const { data, errors } = await list.client.send(LIST, variables)
    expect(data).toBeNull()
    expect(errors).toEqual([
      expect.objectContaining({ path: ['workflows'], extensions: { code: 'BAD_USER_INPUT' } }),
    ])
    expect(list.takeFaults()).toEqual([])
  })
})
