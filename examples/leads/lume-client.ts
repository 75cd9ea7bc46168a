import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { graphql } from './gql/gql.ts'
import type { ExecuteMutation, FollowSubscription, TypedDocumentString } from './gql/graphql.ts'
import type { TimelineEvent } from './progress-view.ts'

const RETRY_ATTEMPTS = 60
const FIRST_RETRY_MS = 200
const LONGEST_RETRY_MS = 3_000

const ENDINGS = ['JOB_COMPLETED', 'JOB_FAILED', 'JOB_CANCELED']
const GOING_ON_PURPOSE = 1000

export interface Started {
  readonly jobId: string
  readonly executionId: string
}

export interface Ending {
  readonly status: string
  readonly output: unknown
  readonly error: unknown
}

/** What the demo needs of Lume: a mutation, a subscription and a query. */
export interface LumeClient {
  execute(input: { definition: unknown; input: unknown; idempotencyKey: string }): Promise<Started>
  /** The job's whole timeline, each event once, over as many connections as it takes. Ends with the job, or by `close`. */
  follow(jobId: string): AsyncIterable<TimelineEvent>
  ending(executionId: string): Promise<Ending>
  close(): Promise<void>
}

/** The server said no, or nothing any more; the message says which. Any method may throw it. */
export class LumeClientError extends Error {}

const EXECUTE = graphql(`
  mutation Execute($input: ExecuteWorkflowInput!) {
    executeWorkflow(input: $input) {
      __typename
      ... on ExecuteWorkflowPayload {
        job {
          id
        }
        execution {
          id
        }
      }
      ... on ValidationFailed {
        diagnostics {
          code
          message
        }
      }
      ... on Error {
        code
        message
      }
    }
  }
`)

const FOLLOW = graphql(`
  subscription Follow($jobId: ID!, $after: Int!) {
    jobEvents(jobId: $jobId, after: $after) {
      cursor
      events {
        seq
        kind
        progress
        ... on StepEvent {
          path
        }
        ... on LoopItemCompletedEvent {
          path
        }
        ... on LoopItemFailedEvent {
          path
        }
      }
    }
  }
`)

const ENDING = graphql(`
  query Ending($executionId: ID!) {
    execution(id: $executionId) {
      status
      output
      error {
        code
        message
        path
      }
    }
  }
`)

/** `note` hears of it, in words, when the connection is cut while a job is followed, and when it is back. */
export function createLumeClient(url: string, note: (text: string) => void): LumeClient {
  let cursor = 0
  const closing = new AbortController()
  let cut = false
  const socket = createClient({
    url: `${url.replace(/^http/, 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: RETRY_ATTEMPTS,
    // Also when nobody listens for the moment: by itself graphql-ws tries again only after a connection that stood.
    shouldRetry: () => true,
    retryWait: (retries) => sleep(Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** retries)),
    on: {
      closed(event) {
        if (cut || (event as { code?: number }).code === GOING_ON_PURPOSE) return
        cut = true
        note(`Connection lost after event ${cursor}; trying again.`)
      },
      connected() {
        if (cut) note(`Connected again; going on after event ${cursor}.`)
        cut = false
      },
    },
  })

  async function* batches(variables: { jobId: string; after: number }) {
    try {
      for await (const { data, errors } of socket.iterate<FollowSubscription>({
        query: FOLLOW.toString(),
        variables,
      })) {
        if (!data) throw new LumeClientError(textOf(errors))
        yield data.jobEvents
      }
    } catch (failure) {
      if (failure instanceof LumeClientError) throw failure
      // graphql-ws throws either the server's GraphQL errors or the event of a connection that stays closed.
      const reason = Array.isArray(failure) ? textOf(failure) : `The connection to ${url} stays closed.`
      throw new LumeClientError(reason, { cause: failure })
    }
  }

  return {
    async execute(input) {
      const { executeWorkflow } = await post(url, EXECUTE, { input })
      if (executeWorkflow.__typename !== 'ExecuteWorkflowPayload')
        throw new LumeClientError(refusalOf(executeWorkflow))
      return { jobId: executeWorkflow.job.id, executionId: executeWorkflow.execution.id }
    },

    async *follow(jobId) {
      cursor = 0
      let ended = false
      // graphql-ws writes its message anew for every connection, so each one asks for what comes after the last event.
      const variables = {
        jobId,
        get after() {
          return cursor
        },
      }
      while (!ended && !closing.signal.aborted) {
        for await (const { events, cursor: reached } of batches(variables)) {
          yield* events
          cursor = reached
          ended ||= events.some((event) => ENDINGS.includes(event.kind))
        }
        // A server that shuts down may complete the stream before the job ends.
        if (!ended && !closing.signal.aborted) await sleep(FIRST_RETRY_MS)
      }
    },

    async ending(executionId) {
      const { execution } = await post(url, ENDING, { executionId })
      if (!execution) throw new LumeClientError('The execution is gone.')
      return execution
    },

    async close() {
      closing.abort()
      await socket.dispose()
    },
  }
}

async function post<Data, Variables>(
  url: string,
  query: TypedDocumentString<Data, Variables>,
  variables: Variables,
): Promise<Data> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ query, variables }),
  }).catch((failure: unknown) => {
    throw new LumeClientError(`Nothing answers at ${url}.`, { cause: failure })
  })
  const { data, errors } = (await response.json()) as { data?: Data | null; errors?: { message: string }[] }
  if (errors || !data) throw new LumeClientError(textOf(errors))
  return data
}

type Refusal = Exclude<ExecuteMutation['executeWorkflow'], { __typename: 'ExecuteWorkflowPayload' }>

function refusalOf(refusal: Refusal): string {
  const found = 'diagnostics' in refusal ? refusal.diagnostics : []
  return [
    `${refusal.code}: ${refusal.message}`,
    ...found.map(({ code, message }) => `  ${code}: ${message}`),
  ].join('\n')
}

function textOf(errors: readonly { readonly message: string }[] = []): string {
  return errors.map((error) => error.message).join('\n') || 'The server gave no answer.'
}
