import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { graphql } from '../gql/index.ts'
import type { ExecuteWorkflowInput } from '../gql/graphql.ts'
import { startApiServer, type ApiServer } from '../support/api-server.ts'
import { urlOf } from '../support/database.ts'
import { holdStatement } from '../support/held-statement.ts'
import { timelineOf } from '../support/runs.ts'
import { countStatements } from '../support/statement-count.ts'

const CREATE = graphql(`
  mutation CreateForRace($definition: JSON!) {
    createWorkflow(input: { definition: $definition, publish: true }) {
      __typename
      ... on CreateWorkflowPayload {
        workflow {
          id
        }
      }
    }
  }
`)

const PUBLISH = graphql(`
  mutation PublishForRace($id: ID!, $definition: JSON!) {
    updateWorkflow(input: { id: $id, definition: $definition }) {
      __typename
    }
    publishWorkflow(input: { id: $id }) {
      __typename
    }
  }
`)

const ROLLBACK = graphql(`
  mutation RollbackForRace($id: ID!) {
    rollbackWorkflow(input: { id: $id, version: 1 }) {
      __typename
    }
  }
`)

const ARCHIVE = graphql(`
  mutation ArchiveForRace($id: ID!, $archived: Boolean!) {
    archiveWorkflow(input: { id: $id, archived: $archived }) {
      __typename
    }
  }
`)

const DELETE = graphql(`
  mutation DeleteForRace($id: ID!) {
    deleteWorkflow(input: { id: $id }) {
      __typename
    }
  }
`)

const START = graphql(`
  mutation StartForRace($input: ExecuteWorkflowInput!) {
    executeWorkflow(input: $input) {
      __typename
      ... on ExecuteWorkflowPayload {
        deduplicated
        job {
          id
        }
        execution {
          id
          version {
            number
          }
        }
      }
      ... on Error {
        code
        path
      }
    }
  }
`)

const CREATE_JOB = graphql(`
  mutation CreateJobForRace($id: ID!) {
    createJob(input: { workflow: { workflowId: $id } }) {
      __typename
      ... on CreateJobPayload {
        execution {
          version {
            number
          }
        }
      }
    }
  }
`)

const CHILDREN = graphql(`
  query ChildrenForRace($id: ID!) {
    execution(id: $id) {
      status
      children {
        edges {
          node {
            version {
              number
            }
          }
        }
      }
      error {
        code
      }
    }
  }
`)

/** Starts executions. */
let starter: ApiServer
/** Another Lume on the same database, which changes workflows. */
let editor: ApiServer
beforeAll(async () => {
  starter = await startApiServer()
  const [{ name }] = (await starter.query<{ name: string }>('SELECT current_database() AS name')) as [
    { name: string },
  ]
  editor = await startApiServer({ role: 'api', config: { databaseUrl: urlOf(name) } })
})
afterAll(async () => {
  expect([...starter.takeFaults(), ...editor.takeFaults()]).toEqual([])
  await editor.stop()
  await starter.stop()
})

const valued = (value: string, more: object = {}) => ({
  nodes: [{ id: 'only', type: 'core.transform', config: { value } }],
  edges: [],
  ...more,
})

const publishNext = (id: string) => editor.client.ask(PUBLISH, { id, definition: valued('second') })
const rollBack = (id: string) => editor.client.ask(ROLLBACK, { id })
const archive = (id: string) => editor.client.ask(ARCHIVE, { id, archived: true })

const STARTED_THIRD = { __typename: 'ExecuteWorkflowPayload', execution: { version: { number: 3 } } }
const ARCHIVED = { __typename: 'WorkflowArchived', path: ['input', 'workflowId'] }

const CHANGES = [
  {
    title: 'a version that another process publishes during a start is the one that runs',
    change: publishNext,
    expected: { __typename: 'ExecuteWorkflowPayload', execution: { version: { number: 2 } } },
  },
  {
    title: 'a version with the first definition that is published again during a start is the one that runs',
    change: async (id: string) => {
      await publishNext(id)
      await rollBack(id)
    },
    expected: STARTED_THIRD,
  },
  {
    title: 'a workflow that another process archives during a start is not started',
    change: archive,
    expected: ARCHIVED,
  },
  {
    title: 'a workflow that is published and archived during a start is not started',
    change: async (id: string) => {
      await publishNext(id)
      await archive(id)
    },
    expected: ARCHIVED,
  },
  {
    title: 'a workflow that another process deletes during a start is not found',
    change: (id: string) => editor.client.ask(DELETE, { id }),
    expected: { __typename: 'NotFound', path: ['input', 'workflowId'] },
  },
]

describe('between the moment at which memory names the version and the insert', () => {
  test.each(CHANGES)('$title', async ({ change, expected }) => {
    const id = await createKnown()
    const statements = countStatements()
    const insert = holdStatement('job-insert')
    const result = start({ workflowId: id })
    await insert.reached
    await change(id)
    statements.take()
    insert.release()
    expect(await result).toMatchObject(expected)
    expect(statements.take().filter((text) => text.includes('"isArchived"'))).toHaveLength(1)
    statements.stop()
  })

  test('a job of a workflow runs the version that is published during its start', async () => {
    const id = await createKnown()
    const insert = holdStatement('job-insert')
    const result = starter.client.ask(CREATE_JOB, { id })
    await insert.reached
    await publishNext(id)
    insert.release()
    expect(await result).toMatchObject({ createJob: { execution: { version: { number: 2 } } } })
  })

  test('a child runs the version that is published during its start', async () => {
    const id = await createKnown()
    const parent = await parentDuring(id, () => publishNext(id))
    expect(parent).toMatchObject({
      status: 'COMPLETED',
      children: { edges: [{ node: { version: { number: 2 } } }] },
    })
  })

  test('a child of a workflow that is archived during its start fails with WORKFLOW_ARCHIVED', async () => {
    const id = await createKnown()
    const parent = await parentDuring(id, () => archive(id))
    expect(parent).toMatchObject({
      status: 'FAILED',
      error: { code: 'WORKFLOW_ARCHIVED' },
      children: { edges: [] },
    })
  })
})

test('an input is checked against the version that another process has published', async () => {
  const inputSchema = { type: 'object', required: ['name'] }
  const id = await createWorkflow(valued('first', { inputSchema }))
  expect(await start({ workflowId: id, input: { name: 'Ada' } })).toMatchObject({ execution: {} })
  expect(await start({ workflowId: id, input: {} })).toMatchObject({ __typename: 'InputInvalid' })
  await publishNext(id)
  expect(await start({ workflowId: id, input: {} })).toMatchObject({ execution: { version: { number: 2 } } })
})

test('a key finds its execution after another process has published the next version', async () => {
  const id = await createKnown()
  const request = { workflowId: id, idempotencyKey: `key of ${id}` }
  const first = await start(request)
  expect(first).toMatchObject({ deduplicated: false, execution: { version: { number: 1 } } })
  expect(await start(request)).toMatchObject({ ...first, deduplicated: true })
  await publishNext(id)
  expect(await start(request)).toMatchObject({ ...first, deduplicated: true })
  expect(await start({ ...request, input: 'other' })).toMatchObject({ __typename: 'IdempotencyConflict' })
})

test('a workflow that is taken out of the archive starts again', async () => {
  const id = await createKnown()
  await archive(id)
  expect(await start({ workflowId: id })).toMatchObject(ARCHIVED)
  await editor.client.ask(ARCHIVE, { id, archived: false })
  expect(await start({ workflowId: id })).toMatchObject({ execution: { version: { number: 1 } } })
})

test('an archived workflow is answered as archived whatever else prevents its start', async () => {
  const id = await createKnown()
  await archive(id)
  expect(await start({ workflowId: id, tags: Array.from({ length: 51 }, String) })).toMatchObject(ARCHIVED)
})

async function createWorkflow(definition: object): Promise<string> {
  const { createWorkflow: created } = await starter.client.ask(CREATE, { definition })
  if (created.__typename !== 'CreateWorkflowPayload') throw new Error(JSON.stringify(created))
  return created.workflow.id
}

/** A workflow whose published version the starter has in memory. */
async function createKnown(): Promise<string> {
  const id = await createWorkflow(valued('first'))
  expect(await start({ workflowId: id })).toMatchObject({ execution: { version: { number: 1 } } })
  return id
}

async function start(input: ExecuteWorkflowInput) {
  return (await starter.client.ask(START, { input })).executeWorkflow
}

/** Runs an execution that calls a workflow, and calls back between the reading of that workflow and the insert of the child. */
async function parentDuring(workflowId: string, callback: () => Promise<unknown>) {
  const definition = {
    nodes: [{ id: 'call', type: 'core.callWorkflow', config: { workflowId } }],
    edges: [],
  }
  // A child knows the version from another child.
  await childrenOf(definition)
  const child = holdStatement('job-insert', 2)
  const parent = childrenOf(definition)
  await child.reached
  await callback()
  child.release()
  return parent
}

/** Runs a definition to its end and returns its status and its children. */
async function childrenOf(definition: object) {
  const started = await start({ definition })
  if (started.__typename !== 'ExecuteWorkflowPayload') throw new Error(JSON.stringify(started))
  await timelineOf(starter, started.job.id)
  return (await starter.client.ask(CHILDREN, { id: started.execution.id })).execution
}
