import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { globalId } from '../../src/lib/global-id.ts'
import { graphql } from '../gql/index.ts'
import { startApiServer, type ApiServer } from '../support/api-server.ts'
import { gated, SIMPLE } from '../support/definitions.ts'
import { start, timelineOf } from '../support/runs.ts'
import { until } from '../support/until.ts'

const ALL = graphql(`
  mutation CommandEverything($id: ID!) {
    pauseExecution(input: { id: $id }) {
      __typename
      ... on Error {
        ...Refused
      }
    }
    resumeExecution(input: { id: $id }) {
      __typename
      ... on Error {
        ...Refused
      }
    }
    signalExecution(input: { id: $id, name: "x" }) {
      __typename
      ... on Error {
        ...Refused
      }
    }
  }
  fragment Refused on Error {
    code
    message
    path
    ... on NotPossible {
      status
    }
  }
`)

const CANCEL = graphql(`
  mutation CancelForCommands($id: ID!) {
    cancelExecution(input: { id: $id }) {
      __typename
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

async function expectRefused(id: string, refused: object): Promise<void> {
  const answers = Object.values(await server.client.ask(ALL, { id }))
  expect(answers).toHaveLength(3)
  for (const answer of answers) expect(answer).toEqual({ ...refused, path: ['input', 'id'] })
}

async function createdJob() {
  const payload = { workflowId: 'inline', workflowDefinition: SIMPLE }
  return server.lume.jobs.createWorkflowJob('local', payload)
}

describe('pause, resume and signal are refused, and say why,', () => {
  test('for what has ended', async () => {
    const { executionId, jobId } = await start(server, { definition: SIMPLE })
    await timelineOf(server, jobId)
    await expectRefused(executionId, {
      __typename: 'AlreadyEnded',
      code: 'ALREADY_ENDED',
      message: 'It has ended already.',
    })
  })

  test('for what is being canceled', async () => {
    const { executionId, jobId } = await start(server, { definition: gated('canceling') })
    await server.gate('canceling').reached
    // As a cancel leaves the row, before the worker has read it.
    await server.query(`UPDATE jobs SET cancel_requested_at = now() WHERE finished_at IS NULL`)
    await expectRefused(executionId, {
      __typename: 'NotPossible',
      code: 'NOT_POSSIBLE',
      message: 'It is being canceled (CANCELING).',
      status: 'CANCELING',
    })
    await server.query(`UPDATE jobs SET cancel_requested_at = NULL WHERE finished_at IS NULL`)
    server.gate('canceling').open()
    await timelineOf(server, jobId)
  })

  test('for what was never started; a cancel is not', async () => {
    const { id } = await createdJob()
    const executionId = globalId('Execution', id)
    await expectRefused(executionId, {
      __typename: 'NotPossible',
      code: 'NOT_POSSIBLE',
      message: 'It was not started yet (CREATED).',
      status: 'CREATED',
    })
    const { cancelExecution } = await server.client.ask(CANCEL, { id: executionId })
    expect(cancelExecution.__typename).toBe('CancelExecutionPayload')
  })

  test('for what a handler function runs', async () => {
    const { id } = await createdJob()
    let finish = () => {}
    const work = new Promise<void>((resolve) => (finish = resolve))
    const ended = server.lume.jobs.startJob(id, () => work)
    await until('it runs', async () => (await server.lume.jobs.getJob(id))?.status === 'running')
    await expectRefused(globalId('Execution', id), {
      __typename: 'NotPossible',
      code: 'NOT_POSSIBLE',
      message: 'A function of a program runs it, which only a cancel reaches (RUNNING).',
      status: 'RUNNING',
    })
    finish()
    await ended
  })
})

test('a signal is refused where nothing has used too many', async () => {
  const { executionId, jobId } = await start(server, { definition: gated('full') })
  await server.gate('full').reached
  await server.query(
    `WITH job AS (
       UPDATE jobs SET commands_sent = commands_sent + 1000 WHERE finished_at IS NULL
       RETURNING owner_id, id, commands_sent - 1000 AS before
     )
     INSERT INTO commands (owner_id, job_id, number, kind, payload)
     SELECT owner_id, id, before + n, 'SIGNAL', '{"name":"y","path":null,"payload":null}'
     FROM job, generate_series(1, 1000) AS n`,
  )
  const { signalExecution, pauseExecution } = await server.client.ask(ALL, { id: executionId })
  expect(signalExecution).toEqual({
    __typename: 'SignalsFull',
    code: 'SIGNALS_FULL',
    message: expect.stringContaining('8388608 bytes together'),
    path: ['input', 'id'],
  })
  expect(pauseExecution.__typename).toBe('PauseExecutionPayload')
  server.gate('full').open()
  await timelineOf(server, jobId)
})
