import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { z } from 'zod'
import { BlockError, completed } from '../../src/engine/block/block.ts'
import { defineBlock } from '../../src/engine/block/define-block.ts'
import { graphql } from '../gql/index.ts'
import type { RetryExecutionInput } from '../gql/graphql.ts'
import { startApiServer, type ApiServer } from '../support/api-server.ts'
import { gated } from '../support/definitions.ts'
import { runToEnd, start, timelineOf, type Run } from '../support/runs.ts'

const RETRY = graphql(`
  mutation Retry($input: RetryExecutionInput!) {
    retryExecution(input: $input) {
      __typename
      ... on RetryExecutionPayload {
        deduplicated
        job {
          id
        }
        execution {
          id
          retryFrom
          tags
          priority
          retryOf {
            id
          }
        }
        diagnostics {
          code
          severity
          nodeId
        }
      }
      ... on ValidationFailed {
        diagnostics {
          code
          nodeId
        }
      }
      ... on InputInvalid {
        problems {
          pointer
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

const RETRIED = graphql(`
  query ReadRetried($id: ID!) {
    execution(id: $id) {
      status
      output
      trigger
      retryFrom
      retryOf {
        id
      }
      retries(first: 10) {
        totalCount
        edges {
          node {
            id
          }
        }
      }
      steps(first: 10) {
        edges {
          node {
            path
            status
            attempt
            config
            input
            output
            reusedFrom {
              id
            }
          }
        }
      }
      events(first: 50) {
        events {
          kind
          ... on StepCompletedEvent {
            path
            reused
          }
        }
      }
    }
  }
`)

const WITH_LITERALS = graphql(`
  mutation RetryWithLiterals($id: ID!) {
    word: retryExecution(input: { id: $id, from: START }) {
      __typename
      ... on RetryExecutionPayload {
        execution {
          retryFrom
        }
      }
    }
    text: retryExecution(input: { id: $id, from: "find" }) {
      __typename
      ... on RetryExecutionPayload {
        execution {
          retryFrom
        }
      }
    }
  }
`)

const STORE = graphql(`
  mutation StoreForRetry($definition: JSON!) {
    createWorkflow(input: { definition: $definition }) {
      ... on CreateWorkflowPayload {
        workflow {
          id
          revision
        }
      }
    }
  }
`)

const CHANGE = graphql(`
  mutation ChangeForRetry($id: ID!, $definition: JSON!, $expectedRevision: Int!) {
    updateWorkflow(input: { id: $id, definition: $definition, expectedRevision: $expectedRevision }) {
      __typename
    }
  }
`)

const PUT_AWAY = graphql(`
  mutation PutAwayForRetry($id: ID!, $archived: Boolean!) {
    archiveWorkflow(input: { id: $id, archived: $archived }) {
      __typename
    }
  }
`)

const DELETE = graphql(`
  mutation DeleteForRetry($id: ID!) {
    deleteWorkflow(input: { id: $id }) {
      __typename
    }
  }
`)

let server: ApiServer
let isBroken = true

const flaky = defineBlock({
  type: 'test.flaky',
  name: 'Flaky',
  description: 'Works once the test has mended it.',
  config: z.looseObject({}),
  output: z.json(),
  sample: null,
  async run({ input }) {
    if (isBroken) throw new BlockError('BROKEN', 'it is broken')
    return completed({ sent: input })
  },
})

const CHAIN = {
  inputSchema: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] },
  nodes: [
    { id: 'find', type: 'core.transform', config: { value: 'found {{ input.name }}' } },
    { id: 'send', type: 'test.flaky', config: {} },
  ],
  edges: [{ source: 'find', target: 'send' }],
}

const NEEDS_SECRET = {
  nodes: [{ id: 'send', type: 'test.flaky', config: { key: '{{ secrets.nobody_set_this }}' } }],
  edges: [],
}

beforeAll(async () => {
  server = await startApiServer({ blocks: [flaky] })
})

beforeEach(() => {
  isBroken = true
})

afterAll(() => server.stop())

/** A run of the chain that failed, after which the block was mended. */
async function failedRun(more: object = { definition: CHAIN }): Promise<Run> {
  const run = await runToEnd(server, { ...more, input: { name: 'Ada' } })
  isBroken = false
  return run
}

async function ask(input: RetryExecutionInput) {
  const { retryExecution } = await server.client.ask(RETRY, { input })
  return retryExecution
}

/** A retry that must be accepted, run to its end. */
async function retry(input: RetryExecutionInput) {
  const result = await ask(input)
  if (result.__typename !== 'RetryExecutionPayload') throw new Error(JSON.stringify(result))
  await timelineOf(server, result.job.id)
  const { execution } = await server.client.ask(RETRIED, { id: result.execution.id })
  if (!execution) throw new Error('the retry is not there')
  return { ...execution, id: result.execution.id, steps: execution.steps.edges.map(({ node }) => node) }
}

describe('retryExecution', () => {
  test('makes a new execution, linked both ways, that reuses what had completed', async () => {
    const original = await failedRun()
    const made = await retry({ id: original.executionId })
    expect(made).toMatchObject({
      status: 'COMPLETED',
      output: { sent: 'found Ada' },
      trigger: 'RETRY',
      retryFrom: 'FAILED',
      retryOf: { id: original.executionId },
    })
    expect(made.steps).toEqual([
      {
        path: 'find',
        status: 'COMPLETED',
        attempt: 0,
        config: { value: 'found Ada' },
        input: { name: 'Ada' },
        output: 'found Ada',
        reusedFrom: { id: original.executionId },
      },
      {
        path: 'send',
        status: 'COMPLETED',
        attempt: 1,
        config: {},
        input: 'found Ada',
        output: { sent: 'found Ada' },
        reusedFrom: null,
      },
    ])
    const told = made.events.events.filter(({ kind }) => kind === 'STEP_COMPLETED')
    expect(told).toEqual([
      { kind: 'STEP_COMPLETED', path: 'find', reused: true },
      { kind: 'STEP_COMPLETED', path: 'send', reused: false },
    ])
    const { execution } = await server.client.ask(RETRIED, { id: original.executionId })
    expect(execution).toMatchObject({ retryOf: null, retries: { totalCount: 1 } })
    expect(execution?.retries.edges).toEqual([{ node: { id: made.id } }])
  })

  test('reads outputs and inputs through retries of retries', async () => {
    const original = await failedRun()
    const second = await retry({ id: original.executionId })
    const third = await retry({ id: second.id })
    expect(third.output).toEqual({ sent: 'found Ada' })
    expect(third.steps).toMatchObject([
      { path: 'find', output: 'found Ada', reusedFrom: { id: original.executionId } },
      { path: 'send', input: 'found Ada', output: { sent: 'found Ada' }, reusedFrom: { id: second.id } },
    ])
  })

  test('takes a patch of the input, and outputs that are given', async () => {
    const original = await failedRun()
    const patched = await retry({ id: original.executionId, patchInput: { name: 'Grace' } })
    expect(patched).toMatchObject({ output: { sent: 'found Grace' } })
    const given = await retry({ id: original.executionId, patchOutputs: { find: { by: 'hand' } } })
    expect(given).toMatchObject({ output: { sent: { by: 'hand' } } })
    expect(given.steps[0]).toMatchObject({ reusedFrom: null, output: { by: 'hand' } })
  })

  test('begins where it is told, by a word or by a path, in variables and in the document', async () => {
    const original = await failedRun()
    const fromStep = await retry({ id: original.executionId, from: 'send' })
    expect(fromStep).toMatchObject({ retryFrom: 'send', steps: [{ attempt: 0 }, { attempt: 1 }] })
    const fromStart = await retry({ id: original.executionId, from: 'START' })
    expect(fromStart).toMatchObject({ retryFrom: 'START', steps: [{ attempt: 1 }, { attempt: 1 }] })
    const { word, text } = await server.client.ask(WITH_LITERALS, { id: original.executionId })
    expect(word).toMatchObject({ execution: { retryFrom: 'START' } })
    expect(text).toMatchObject({ execution: { retryFrom: 'find' } })
  })

  test('runs the newest definition of the workflow when it is asked to, and only that', async () => {
    const { createWorkflow } = await server.client.ask(STORE, { definition: CHAIN })
    if (!('workflow' in createWorkflow) || !createWorkflow.workflow) throw new Error('it is not stored')
    const { id: workflowId, revision } = createWorkflow.workflow
    const original = await failedRun({ workflowId })
    const [find, send] = CHAIN.nodes
    const newest = { ...CHAIN, nodes: [find, { ...send, type: 'core.transform', config: { value: 'new' } }] }
    await server.client.ask(CHANGE, { id: workflowId, definition: newest, expectedRevision: revision })
    const latest = await retry({ id: original.executionId, version: 'LATEST' })
    expect(latest).toMatchObject({ output: 'new', steps: [{ reusedFrom: { id: original.executionId } }, {}] })
    const same = await retry({ id: original.executionId })
    expect(same.output).toEqual({ sent: 'found Ada' })

    const unsound = { ...newest, nodes: [find, { ...send, type: 'test.gone' }] }
    await server.client.ask(CHANGE, { id: workflowId, definition: unsound, expectedRevision: revision + 1 })
    expect(await ask({ id: original.executionId, version: 'LATEST' })).toMatchObject({
      __typename: 'ValidationFailed',
      path: ['input', 'version'],
      diagnostics: [{ code: 'BLOCK_UNKNOWN', nodeId: 'send' }],
    })
  })

  test('keeps tags and priority unless others are given', async () => {
    const { executionId: id } = await failedRun({ definition: CHAIN, tags: ['b', 'a'], priority: 7 })
    expect(await ask({ id })).toMatchObject({ execution: { tags: ['a', 'b'], priority: 7 } })
    expect(await ask({ id, tags: [], priority: -3 })).toMatchObject({ execution: { tags: [], priority: -3 } })
    expect(await ask({ id, priority: 101 })).toMatchObject({
      __typename: 'InvalidArgument',
      path: ['input', 'priority'],
    })
  })

  test('tells what stands in the definition that its starter may want to know', async () => {
    const { executionId: id } = await failedRun({ definition: NEEDS_SECRET })
    const warnings = [{ code: 'SECRET_UNAVAILABLE', severity: 'WARNING', nodeId: 'send' }]
    expect(await ask({ id })).toMatchObject({ diagnostics: warnings })
  })

  test('answers the same execution to the same key', async () => {
    const original = await failedRun()
    const input = { id: original.executionId, idempotencyKey: 'retry once' }
    const first = await ask(input)
    const second = await ask(input)
    expect(first).toMatchObject({ deduplicated: false })
    expect(second).toEqual({ ...first, deduplicated: true })
    expect(await ask({ ...input, from: 'START' })).toMatchObject({ __typename: 'IdempotencyConflict' })
  })
})

describe('retryExecution refuses', () => {
  test('what has not ended', async () => {
    const run = await start(server, { definition: gated('retry') })
    expect(await ask({ id: run.executionId })).toMatchObject({ __typename: 'NotEnded', code: 'NOT_ENDED' })
    server.gate('retry').open()
    await timelineOf(server, run.jobId)
  })

  test.each(['SAME', 'LATEST'] as const)('a workflow that cannot be executed, for %s', async (version) => {
    const { createWorkflow } = await server.client.ask(STORE, { definition: CHAIN })
    if (!('workflow' in createWorkflow) || !createWorkflow.workflow) throw new Error('it is not stored')
    const { id: workflowId } = createWorkflow.workflow
    const { executionId: id } = await failedRun({ workflowId })
    await server.client.ask(PUT_AWAY, { id: workflowId, archived: true })
    expect(await ask({ id, version })).toMatchObject({
      __typename: 'WorkflowArchived',
      path: ['input', 'id'],
    })
    await server.client.ask(PUT_AWAY, { id: workflowId, archived: false })
    expect(await ask({ id, version })).toMatchObject({ __typename: 'RetryExecutionPayload' })
    await server.client.ask(DELETE, { id: workflowId })
    expect(await ask({ id, version })).toMatchObject({
      __typename: 'NotFound',
      message: 'There is no such workflow.',
    })
  })

  test('what is not there', async () => {
    for (const id of ['nonsense', '0198c000-0000-7000-8000-000000000000']) {
      expect(await ask({ id })).toMatchObject({ __typename: 'NotFound', path: ['input', 'id'] })
    }
  })

  test('steps that are not there', async () => {
    const { executionId: id } = await failedRun()
    expect(await ask({ id, from: 'sent' })).toMatchObject({
      __typename: 'InvalidArgument',
      path: ['input', 'from'],
      message: expect.stringContaining('did you mean "send"?'),
    })
    expect(await ask({ id, patchOutputs: { fnd: 1 } })).toMatchObject({
      __typename: 'InvalidArgument',
      path: ['input', 'patchOutputs'],
      message: expect.stringContaining('did you mean "find"?'),
    })
    expect(await ask({ id, patchOutputs: [1] })).toMatchObject({ __typename: 'InvalidArgument' })
  })

  test('an input that the definition does not take', async () => {
    const { executionId: id } = await failedRun()
    expect(await ask({ id, patchInput: { name: 7 } })).toMatchObject({
      __typename: 'InputInvalid',
      path: ['input', 'patchInput'],
      problems: [{ pointer: '/name' }],
    })
  })
})
