import { graphql } from '../gql/index.ts'
import type { ExecuteWorkflowInput, JobEventsSubscription } from '../gql/graphql.ts'
import type { ApiServer } from './api-server.ts'
import { openWebSocket } from './web-socket-client.ts'

export const EXECUTE = graphql(`
  mutation Execute($input: ExecuteWorkflowInput!) {
    executeWorkflow(input: $input) {
      __typename
      ... on ExecuteWorkflowPayload {
        deduplicated
        job {
          id
          type
          totalNodes
        }
        execution {
          id
          mode
        }
      }
      ... on ValidationFailed {
        diagnostics {
          code
          severity
          message
          pointer
          nodeId
          relatedNodeIds
          range {
            start
            end
          }
          suggestion
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

export const JOB_EVENTS = graphql(`
  subscription JobEvents($jobId: ID!, $after: Int, $kinds: [JobEventKind!]) {
    jobEvents(jobId: $jobId, after: $after, kinds: $kinds) {
      cursor
      caughtUp
      job {
        id
        status
        progress
        lastSeq
      }
      events {
        __typename
        id
        seq
        at
        kind
        progress
        ... on StepEvent {
          path
          nodeId
          attempt
        }
        ... on StepCompletedEvent {
          handles
          durationMs
        }
        ... on StepFailedEvent {
          handledBy
          error {
            code
            message
            path
            details
          }
        }
        ... on StepRetryingEvent {
          nextAttemptAt
          error {
            code
            message
          }
        }
        ... on StepWaitingEvent {
          until
        }
        ... on StepCanceledEvent {
          callMayHaveHappened
        }
        ... on JobWaitingEvent {
          until
        }
        ... on JobFailedEvent {
          error {
            code
            message
            path
          }
        }
        ... on JobRecoveredEvent {
          recoveries
        }
        ... on JobProgressEvent {
          message
        }
        ... on LoopItemCompletedEvent {
          path
          nodeId
          index
        }
        ... on LoopItemFailedEvent {
          path
          nodeId
          index
          error {
            code
            message
          }
        }
      }
    }
  }
`)

export type Batch = JobEventsSubscription['jobEvents']
export type TimelineEvent = Batch['events'][number]

export interface Run {
  readonly jobId: string
  readonly executionId: string
  readonly deduplicated: boolean
}

/** Starts a run that must be accepted. */
export async function start(server: ApiServer, input: ExecuteWorkflowInput): Promise<Run> {
  const { executeWorkflow: result } = await server.client.ask(EXECUTE, { input })
  if (result.__typename !== 'ExecuteWorkflowPayload') throw new Error(JSON.stringify(result))
  return { jobId: result.job.id, executionId: result.execution.id, deduplicated: result.deduplicated }
}

/** Follows a job to its end and gives its whole timeline. */
export async function timelineOf(server: Pick<ApiServer, 'url'>, jobId: string): Promise<TimelineEvent[]> {
  const socket = openWebSocket(server.url)
  try {
    const events: TimelineEvent[] = []
    for await (const { data, errors } of socket.subscribe(JOB_EVENTS, { jobId })) {
      if (!data) throw new Error(JSON.stringify(errors))
      events.push(...data.jobEvents.events)
    }
    return events
  } finally {
    await socket.close()
  }
}

/** Starts a run and waits for its end, whatever it is. */
export async function runToEnd(
  server: ApiServer,
  input: ExecuteWorkflowInput,
): Promise<Run & { readonly timeline: readonly TimelineEvent[] }> {
  const run = await start(server, input)
  return { ...run, timeline: await timelineOf(server, run.jobId) }
}
