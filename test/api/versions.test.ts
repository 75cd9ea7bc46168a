import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { graphql } from '../gql/index.ts'
import type { CreateWorkflowInput, ExecuteWorkflowInput } from '../gql/graphql.ts'
import { startApiServer, type ApiServer } from '../support/api-server.ts'
import { gated, GREETING, SIMPLE } from '../support/definitions.ts'
import { until } from '../support/until.ts'

const CREATE = graphql(`
  mutation CreateVersioned($input: CreateWorkflowInput!) {
    createWorkflow(input: $input) {
      __typename
      ... on CreateWorkflowPayload {
        workflow {
          id
          revision
          hasUnpublishedChanges
          publishedVersion {
            number
          }
        }
      }
      ... on ValidationFailed {
        diagnostics {
          code
          pointer
        }
      }
      ... on Error {
        code
        path
        message
      }
    }
  }
`)

const SAVE = graphql(`
  mutation SaveVersioned($id: ID!, $definition: JSON!) {
    updateWorkflow(input: { id: $id, definition: $definition }) {
      __typename
      ... on UpdateWorkflowPayload {
        workflow {
          revision
          hasUnpublishedChanges
        }
      }
    }
  }
`)

const PUBLISH = graphql(`
  mutation Publish($input: PublishWorkflowInput!) {
    publishWorkflow(input: $input) {
      __typename
      ... on PublishWorkflowPayload {
        unchanged
        diagnostics {
          code
        }
        workflow {
          id
          hasUnpublishedChanges
          publishedVersion {
            id
            number
          }
        }
        version {
          id
          number
          note
          definition
          createdAt
          graph {
            nodes {
              id
            }
          }
          workflow {
            id
          }
        }
      }
      ... on ValidationFailed {
        diagnostics {
          code
          pointer
          severity
        }
      }
      ... on RevisionConflict {
        revision
      }
      ... on Error {
        code
        path
        message
      }
    }
  }
`)

const ROLLBACK = graphql(`
  mutation Rollback($input: RollbackWorkflowInput!) {
    rollbackWorkflow(input: $input) {
      __typename
      ... on RollbackWorkflowPayload {
        unchanged
        workflow {
          definition
          revision
        }
        version {
          number
          note
          definition
        }
      }
      ... on Error {
        code
        path
      }
    }
  }
`)

const ARCHIVE = graphql(`
  mutation Archive($input: ArchiveWorkflowInput!) {
    archiveWorkflow(input: $input) {
      __typename
      ... on ArchiveWorkflowPayload {
        workflow {
          id
          archivedAt
        }
      }
      ... on Error {
        code
        path
      }
    }
  }
`)

const DUPLICATE = graphql(`
  mutation Duplicate($input: DuplicateWorkflowInput!) {
    duplicateWorkflow(input: $input) {
      __typename
      ... on DuplicateWorkflowPayload {
        workflow {
          id
          name
          tags
          description
          definition
          revision
          publishedVersion {
            number
          }
        }
        diagnostics {
          code
        }
      }
      ... on Error {
        code
        path
      }
    }
  }
`)

const VERSIONS = graphql(`
  query Versions($id: ID!, $number: Int!, $first: Int, $after: String, $last: Int, $before: String) {
    workflow(id: $id) {
      version(number: $number) {
        number
      }
      versions(first: $first, after: $after, last: $last, before: $before) {
        totalCount
        pageInfo {
          hasNextPage
          hasPreviousPage
          startCursor
          endCursor
        }
        edges {
          node {
            number
            note
          }
        }
      }
    }
  }
`)

const DIFF = graphql(`
  query DiffVersions($id: ID!, $from: Int, $to: Int) {
    workflow(id: $id) {
      diff(from: $from, to: $to) {
        from
        to
        isEmpty
        breaking
        breakingReasons {
          code
          pointer
          message
        }
        nodes {
          path
          kind
          before
          after
          changes {
            kind
            pointer
            before
            after
          }
        }
        edges {
          source
          sourceHandle
          target
          kind
        }
        variables {
          pointer
          kind
          before
          after
        }
        inputSchema {
          pointer
        }
        output {
          pointer
        }
        limits {
          pointer
        }
        other {
          pointer
        }
      }
    }
  }
`)

const NODE_DIFF = graphql(`
  query DiffOfVersion($id: ID!, $against: Int) {
    node(id: $id) {
      __typename
      ... on WorkflowVersion {
        number
        diff(against: $against) {
          from
          to
          nodes {
            path
            kind
          }
        }
      }
    }
  }
`)

const RUN = graphql(`
  mutation RunVersion($input: ExecuteWorkflowInput!) {
    executeWorkflow(input: $input) {
      __typename
      ... on ExecuteWorkflowPayload {
        deduplicated
        execution {
          id
          definition
          version {
            number
          }
        }
      }
      ... on Error {
        code
        path
        message
      }
    }
  }
`)

const RUNS_OF_VERSION = graphql(`
  query RunsOfVersion($id: ID!, $number: Int!) {
    workflow(id: $id) {
      version(number: $number) {
        executions(first: 10) {
          totalCount
          edges {
            node {
              id
            }
          }
        }
      }
    }
  }
`)

const STATUS = graphql(`
  query StatusOfRun($id: ID!) {
    execution(id: $id) {
      status
    }
  }
`)

const NAMES = graphql(`
  query NamesOfWorkflows($filter: WorkflowFilter) {
    workflows(filter: $filter, first: 100) {
      edges {
        node {
          id
        }
      }
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

const UNSOUND = { nodes: [{ id: 'a', type: 'no.such', config: {} }], edges: [] }
const holding = (value: unknown) => ({
  nodes: [{ id: 'one', type: 'core.transform', config: { value } }],
  edges: [],
})

async function create(input: CreateWorkflowInput): Promise<string> {
  const { createWorkflow } = await server.client.ask(CREATE, { input })
  if (createWorkflow.__typename !== 'CreateWorkflowPayload') throw new Error(createWorkflow.message)
  return createWorkflow.workflow.id
}
const save = (id: string, definition: unknown) => server.client.ask(SAVE, { id, definition })
const publish = async (id: string, rest: { note?: string; expectedRevision?: number } = {}) =>
  (await server.client.ask(PUBLISH, { input: { id, ...rest } })).publishWorkflow
const execute = async (input: ExecuteWorkflowInput) =>
  (await server.client.ask(RUN, { input })).executeWorkflow

/** A workflow with this many versions, each holding its number. */
async function versioned(count: number): Promise<string> {
  const id = await create({ definition: holding(1), publish: true })
  for (let number = 2; number <= count; number++) {
    await save(id, holding(number))
    await publish(id, { note: `Number ${number}` })
  }
  return id
}

describe('publishWorkflow', () => {
  test('makes the draft a version, which stays as it is when the draft goes on', async () => {
    const id = await create({ definition: GREETING })
    const published = await publish(id, { note: 'The first', expectedRevision: 1 })
    expect(published).toMatchObject({
      __typename: 'PublishWorkflowPayload',
      unchanged: false,
      diagnostics: [],
      workflow: { hasUnpublishedChanges: false, publishedVersion: { number: 1 } },
      version: { number: 1, note: 'The first', definition: GREETING, workflow: { id } },
    })
    const saved = await save(id, SIMPLE)
    expect(saved.updateWorkflow).toMatchObject({ workflow: { hasUnpublishedChanges: true } })
    expect(await publish(id)).toMatchObject({ version: { number: 2, note: '', definition: SIMPLE } })
  })

  test('of an unchanged draft answers the version that there is, and says so', async () => {
    const id = await create({ definition: SIMPLE, publish: true })
    expect(await publish(id)).toMatchObject({ unchanged: true, version: { number: 1 } })
  })

  test('refuses what cannot run with its diagnostics', async () => {
    const id = await create({ definition: UNSOUND })
    expect(await publish(id)).toEqual({
      __typename: 'ValidationFailed',
      code: 'VALIDATION_FAILED',
      path: ['input', 'id'],
      message: expect.any(String),
      diagnostics: [{ code: 'BLOCK_UNKNOWN', pointer: '/nodes/0/type', severity: 'ERROR' }],
    })
  })

  test('refuses a revision that is gone, and a workflow that is not there', async () => {
    const id = await create({ definition: SIMPLE })
    await save(id, GREETING)
    expect(await publish(id, { expectedRevision: 1 })).toMatchObject({
      code: 'REVISION_CONFLICT',
      revision: 2,
      path: ['input', 'expectedRevision'],
    })
    expect(await publish('garbage')).toMatchObject({ code: 'NOT_FOUND', path: ['input', 'id'] })
  })
})

describe('createWorkflow with `publish`', () => {
  test('makes a workflow and its first version', async () => {
    const { createWorkflow } = await server.client.ask(CREATE, {
      input: { definition: SIMPLE, publish: true },
    })
    expect(createWorkflow).toMatchObject({
      workflow: { revision: 1, hasUnpublishedChanges: false, publishedVersion: { number: 1 } },
    })
  })

  test('makes neither when the definition cannot run', async () => {
    const input = { name: 'Never there', definition: UNSOUND, publish: true }
    expect((await server.client.ask(CREATE, { input })).createWorkflow).toMatchObject({
      code: 'VALIDATION_FAILED',
      path: ['input', 'definition'],
      diagnostics: [{ code: 'BLOCK_UNKNOWN' }],
    })
    const { workflows } = await server.client.ask(NAMES, { filter: { text: 'Never there' } })
    expect(workflows.edges).toEqual([])
  })
})

describe('versions', () => {
  test('are paged, newest first, from both ends', async () => {
    const id = await versioned(5)
    const page = async (args: { first?: number; after?: string; last?: number; before?: string }) => {
      const { workflow } = await server.client.ask(VERSIONS, { id, number: 3, ...args })
      if (!workflow) throw new Error('there is no workflow')
      return workflow
    }
    const first = await page({ first: 2 })
    expect(first.version).toEqual({ number: 3 })
    expect(first.versions.totalCount).toBe(5)
    expect(first.versions.edges.map(({ node }) => node)).toEqual([
      { number: 5, note: 'Number 5' },
      { number: 4, note: 'Number 4' },
    ])
    expect(first.versions.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: false })
    const rest = await page({ first: 10, after: first.versions.pageInfo.endCursor ?? '' })
    expect(rest.versions.edges.map(({ node }) => node.number)).toEqual([3, 2, 1])
    expect(rest.versions.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: true })
    const last = await page({ last: 2 })
    expect(last.versions.edges.map(({ node }) => node.number)).toEqual([2, 1])
    const before = await page({ last: 1, before: last.versions.pageInfo.startCursor ?? '' })
    expect(before.versions.edges.map(({ node }) => node.number)).toEqual([3])
  })

  test('are null and empty where there are none', async () => {
    const id = await create({ definition: SIMPLE })
    const { workflow } = await server.client.ask(VERSIONS, { id, number: 1 })
    expect(workflow).toMatchObject({ version: null, versions: { totalCount: 0, edges: [] } })
  })
})

describe('diff', () => {
  const diffOf = async (id: string, args: { from?: number; to?: number }) =>
    (await server.client.ask(DIFF, { id, ...args })).workflow?.diff

  test('tells what leads from a version to the draft, and whether it may break somebody', async () => {
    const id = await create({ definition: GREETING, publish: true })
    const [greet, ...others] = GREETING.nodes
    await save(id, {
      ...GREETING,
      variables: { greeting: 'Hi' },
      inputSchema: { ...GREETING.inputSchema, required: ['name', 'age'] },
      nodes: [{ ...greet, position: { x: 9, y: 2 } }, ...others],
    })
    expect(await diffOf(id, { from: 1 })).toEqual({
      from: 1,
      to: null,
      isEmpty: false,
      breaking: true,
      breakingReasons: [
        {
          code: 'INPUT_REQUIRED_ADDED',
          pointer: '/inputSchema/properties/age',
          message: '`age` is required now.',
        },
        { code: 'VARIABLE_REMOVED', pointer: '/variables/mark', message: 'The variable `mark` is gone.' },
      ],
      nodes: [
        {
          path: 'greet',
          kind: 'MOVED',
          before: greet,
          after: { ...greet, position: { x: 9, y: 2 } },
          changes: [{ kind: 'CHANGED', pointer: '/nodes/0/position/x', before: 1.5, after: 9 }],
        },
      ],
      edges: [],
      variables: [
        { pointer: '/variables/greeting', kind: 'CHANGED', before: 'Hello', after: 'Hi' },
        { pointer: '/variables/mark', kind: 'REMOVED', before: '!', after: null },
      ],
      inputSchema: [{ pointer: '/inputSchema/required/1' }],
      output: [],
      limits: [],
      other: [],
    })
    expect(await diffOf(id, { from: 1, to: 1 })).toMatchObject({ isEmpty: true, breaking: false })
    expect(await diffOf(id, {})).toMatchObject({ isEmpty: true })
    expect(await diffOf(id, { from: 1, to: 2 })).toBeNull()
  })

  test('whose paths would be too long together is refused with DIFF_TOO_LARGE', async () => {
    const id = await create({ definition: SIMPLE, publish: true })
    const body = {
      nodes: Array.from({ length: 100 }, (_, i) => ({ id: `n${i}`, type: 'core.log', config: {} })),
      edges: [],
    }
    const loop = { id: 'l'.repeat(500_000), type: 'core.forEach', config: { items: [], body } }
    await save(id, { nodes: [loop], edges: [] })
    const { data, errors } = await server.client.send(DIFF, { id, from: 1 })
    expect(errors).toMatchObject([
      {
        message: expect.stringContaining('Long keys, or long ids of loops'),
        extensions: { code: 'DIFF_TOO_LARGE' },
      },
    ])
    expect(data?.workflow).toEqual({ diff: null })
  })

  test('of a version is against the one before it, or another', async () => {
    const id = await versioned(3)
    const published = await publish(id)
    if (published.__typename !== 'PublishWorkflowPayload') throw new Error(published.message)
    const diff = async (against?: number) =>
      (await server.client.ask(NODE_DIFF, { id: published.version.id, against: against ?? null })).node
    const changed = { nodes: [{ path: 'one', kind: 'CHANGED' }] }
    expect(await diff()).toMatchObject({ number: 3, diff: { from: 2, to: 3, ...changed } })
    expect(await diff(1)).toMatchObject({ diff: { from: 1, to: 3, ...changed } })
    expect(await diff(0)).toMatchObject({ diff: { from: null, nodes: [{ path: 'one', kind: 'ADDED' }] } })
    expect(await diff(9)).toMatchObject({ diff: null })
  })
})

describe('rollbackWorkflow', () => {
  test('makes an old version the newest and the draft', async () => {
    const id = await versioned(2)
    const input = { id, version: 1 }
    expect((await server.client.ask(ROLLBACK, { input })).rollbackWorkflow).toEqual({
      __typename: 'RollbackWorkflowPayload',
      unchanged: false,
      workflow: { definition: holding(1), revision: 3 },
      version: { number: 3, note: 'Restores version 1.', definition: holding(1) },
    })
  })

  test('refuses a version that is not there', async () => {
    const input = { id: await versioned(1), version: 7 }
    expect((await server.client.ask(ROLLBACK, { input })).rollbackWorkflow).toMatchObject({
      code: 'NOT_FOUND',
      path: ['input', 'version'],
    })
  })
})

describe('executeWorkflow', () => {
  test('runs the newest version, a given one or the draft, and records which', async () => {
    const id = await versioned(2)
    await save(id, holding('draft'))
    const ran = async (input: Partial<ExecuteWorkflowInput>) => {
      const started = await execute({ workflowId: id, ...input })
      if (started.__typename !== 'ExecuteWorkflowPayload') throw new Error(started.message)
      return [started.execution.version?.number ?? null, started.execution.definition]
    }
    expect(await ran({})).toEqual([2, holding(2)])
    expect(await ran({ version: 1 })).toEqual([1, holding(1)])
    expect(await ran({ draft: true })).toEqual([null, holding('draft')])
    const { workflow } = await server.client.ask(RUNS_OF_VERSION, { id, number: 1 })
    expect(workflow?.version?.executions).toMatchObject({ totalCount: 1, edges: [expect.anything()] })
  })

  test('runs the draft while nothing is published', async () => {
    const id = await create({ definition: SIMPLE })
    expect(await execute({ workflowId: id })).toMatchObject({
      execution: { version: null, definition: SIMPLE },
    })
  })

  test('sent again under one key is the same run, also when a newer version was published meanwhile', async () => {
    const id = await versioned(1)
    const input = { workflowId: id, idempotencyKey: `version of ${id}` }
    const first = await execute(input)
    await save(id, holding('newer'))
    await publish(id)
    const again = await execute(input)
    expect(again).toMatchObject({ deduplicated: true, execution: { version: { number: 1 } } })
    expect(first).toMatchObject({ deduplicated: false })
    for (const other of [{ version: 1 }, { draft: true }])
      expect(await execute({ ...input, ...other })).toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' })
  })

  test.each<[what: string, input: Partial<ExecuteWorkflowInput>, code: string, path: readonly string[]]>([
    ['a version that is not there', { version: 5 }, 'NOT_FOUND', ['input', 'version']],
    ['a version and the draft', { version: 1, draft: true }, 'INVALID_ARGUMENT', ['input', 'version']],
    [
      'a version of a definition in place',
      { workflowId: null, definition: SIMPLE, version: 1 },
      'INVALID_ARGUMENT',
      ['input'],
    ],
  ])('refuses %s', async (_what, input, code, path) => {
    expect(await execute({ workflowId: await versioned(1), ...input })).toMatchObject({ code, path })
  })
})

describe('archiveWorkflow', () => {
  const archive = async (id: string, archived?: boolean) =>
    (await server.client.ask(ARCHIVE, { input: { id, ...(archived === undefined ? {} : { archived }) } }))
      .archiveWorkflow
  const listed = async (id: string, archived?: boolean) => {
    const filter = archived === undefined ? {} : { archived }
    const { workflows } = await server.client.ask(NAMES, { filter })
    return workflows.edges.some(({ node }) => node.id === id)
  }

  test('takes a workflow out of the lists, from publishing and from executing, and gives it back', async () => {
    const id = await versioned(1)
    expect(await archive(id)).toMatchObject({ workflow: { id, archivedAt: expect.any(String) } })
    expect([await listed(id), await listed(id, true)]).toEqual([false, true])
    expect(await execute({ workflowId: id })).toMatchObject({
      __typename: 'WorkflowArchived',
      code: 'WORKFLOW_ARCHIVED',
      path: ['input', 'workflowId'],
    })
    expect(await publish(id)).toMatchObject({ code: 'WORKFLOW_ARCHIVED', path: ['input', 'id'] })
    const again = await archive(id)
    expect(again).toEqual(await archive(id, true))

    expect(await archive(id, false)).toMatchObject({ workflow: { archivedAt: null } })
    expect([await listed(id), await listed(id, true)]).toEqual([true, false])
    expect(await execute({ workflowId: id })).toMatchObject({ __typename: 'ExecuteWorkflowPayload' })
  })

  test('lets what runs end', async () => {
    const name = 'archived meanwhile'
    const id = await create({ definition: gated(name), publish: true })
    const started = await execute({ workflowId: id })
    if (started.__typename !== 'ExecuteWorkflowPayload') throw new Error(started.message)
    await archive(id)
    server.gate(name).open()
    await until('the run has completed', async () => {
      const { execution } = await server.client.ask(STATUS, { id: started.execution.id })
      return execution?.status === 'COMPLETED'
    })
  })

  test('finds nothing by an id that is none', async () => {
    expect(await archive('garbage')).toMatchObject({ code: 'NOT_FOUND', path: ['input', 'id'] })
  })
})

describe('duplicateWorkflow', () => {
  test('copies the draft, the description and the tags, and no version', async () => {
    const id = await create({
      name: 'Original',
      description: 'Says hello',
      tags: ['a', 'b'],
      definition: GREETING,
      publish: true,
    })
    const { duplicateWorkflow } = await server.client.ask(DUPLICATE, { input: { id } })
    expect(duplicateWorkflow).toMatchObject({
      workflow: {
        name: 'Copy of Original',
        description: 'Says hello',
        tags: ['a', 'b'],
        definition: GREETING,
        revision: 1,
        publishedVersion: null,
      },
      diagnostics: [],
    })
    const named = await server.client.ask(DUPLICATE, { input: { id, name: 'Another' } })
    expect(named.duplicateWorkflow).toMatchObject({ workflow: { name: 'Another' } })
  })

  test('refuses a name that is none, and an original that is not there', async () => {
    const id = await create({ definition: SIMPLE })
    expect(
      (await server.client.ask(DUPLICATE, { input: { id, name: ' ' } })).duplicateWorkflow,
    ).toMatchObject({
      code: 'INVALID_ARGUMENT',
      path: ['input', 'name'],
    })
    expect(
      (await server.client.ask(DUPLICATE, { input: { id: 'garbage' } })).duplicateWorkflow,
    ).toMatchObject({
      code: 'NOT_FOUND',
    })
  })
})
