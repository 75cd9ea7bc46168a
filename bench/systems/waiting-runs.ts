import { graphql } from '../../test/gql/index.ts'
import { inFlight } from '../measure/in-flight.ts'
import { until } from '../measure/until.ts'
import type { Lume } from './lume.ts'

const SIGNAL = 'go'

const START = graphql(`
  mutation BenchStart($workflowId: ID!) {
    executeWorkflow(input: { workflowId: $workflowId }) {
      ... on ExecuteWorkflowPayload {
        job {
          id
        }
        execution {
          id
        }
      }
      ... on Error {
        code
        message
      }
    }
  }
`)
const WAITING = graphql(`
  query BenchWaiting {
    jobs(first: 1, filter: { status: [WAITING] }) {
      totalCount
    }
  }
`)
const GO = graphql(`
  mutation BenchGo($id: ID!) {
    signalExecution(input: { id: $id, name: "go" }) {
      __typename
    }
  }
`)

/** Executions that wait for a signal before their first step. */
export interface WaitingRuns {
  readonly jobIds: readonly string[]
  /** Sends each execution its signal. */
  go(): Promise<void>
}

/** Starts `count` executions of a chain of `steps` steps that each take `pauseMs`; resolves when all of them wait. */
export async function startWaitingRuns(
  { createWorkflow, graphql: client }: Lume,
  count: number,
  { steps, pauseMs }: { readonly steps: number; readonly pauseMs: number },
): Promise<WaitingRuns> {
  const ids = Array.from({ length: steps }, (_, step) => `s${step}`)
  const workflowId = await createWorkflow({
    nodes: [
      { id: 'wait', type: 'core.waitForSignal', config: { name: SIGNAL } },
      ...ids.map((id) => ({ id, type: 'bench.pause', config: { ms: pauseMs } })),
    ],
    edges: ids.map((target, step) => ({ source: ids[step - 1] ?? 'wait', target })),
  })
  const started: { readonly jobId: string; readonly executionId: string }[] = []
  await inFlight(count, 10, async () => {
    const { executeWorkflow } = await client.ask(START, { workflowId })
    if (!('job' in executeWorkflow))
      throw new Error(`the start is refused: ${JSON.stringify(executeWorkflow)}`)
    started.push({ jobId: executeWorkflow.job.id, executionId: executeWorkflow.execution.id })
  })
  await until('all executions wait', async () => (await client.ask(WAITING, {})).jobs.totalCount >= count)
  return {
    jobIds: started.map(({ jobId }) => jobId),
    go: () =>
      inFlight(started.length, 10, async (index) => {
        const { signalExecution } = await client.ask(GO, { id: started[index]?.executionId ?? '' })
        if (!signalExecution.__typename.endsWith('Payload'))
          throw new Error(`the signal is refused: ${signalExecution.__typename}`)
      }),
  }
}
