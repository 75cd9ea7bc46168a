import { createClient, type Client } from 'graphql-ws'
import { WebSocket } from 'ws'
import { graphql } from '../../test/gql/index.ts'
import type { BenchExecuteMutation, BenchFollowSubscription } from '../../test/gql/graphql.ts'

/** A WebSocket may send 12,000 messages a minute; an execution takes two. Each connection is replaced before its limit. */
const EXECUTIONS_PER_CONNECTION = 5_000

const EXECUTE = graphql(`
  mutation BenchExecute($workflowId: ID!, $input: JSON) {
    executeWorkflow(input: { workflowId: $workflowId, input: $input }) {
      ... on ExecuteWorkflowPayload {
        job {
          id
        }
      }
      ... on Error {
        code
        message
      }
    }
  }
`).toString()

const FOLLOW = graphql(`
  subscription BenchFollow($jobId: ID!) {
    jobEvents(jobId: $jobId, kinds: [JOB_COMPLETED, JOB_FAILED, JOB_CANCELED]) {
      events {
        kind
      }
      job {
        status
        result
      }
    }
  }
`).toString()

interface Connection {
  readonly client: Client
  left: number
  open: number
}

/** Starts executions and follows them to their ends as a front end does, over one WebSocket. */
export class LumeClient {
  readonly #url: string
  #connection: Connection

  constructor(url: string) {
    this.#url = url
    this.#connection = this.#connect()
  }

  /** Resolves when the subscription has received the job's terminal event and has ended. */
  async run(workflowId: string, input: unknown = null): Promise<void> {
    const connection = this.#take()
    try {
      const jobId = await start(connection.client, workflowId, input)
      await follow(connection.client, jobId)
    } finally {
      connection.open--
      this.#closeIfUsed(connection)
    }
  }

  close(): void {
    void this.#connection.client.dispose()
  }

  #connect(): Connection {
    const url = this.#url.replace('http', 'ws')
    return {
      client: createClient({ url, webSocketImpl: WebSocket, lazy: false, retryAttempts: 0 }),
      left: EXECUTIONS_PER_CONNECTION,
      open: 0,
    }
  }

  #take(): Connection {
    if (this.#connection.left === 0) {
      const used = this.#connection
      this.#connection = this.#connect()
      this.#closeIfUsed(used)
    }
    this.#connection.left--
    this.#connection.open++
    return this.#connection
  }

  #closeIfUsed(connection: Connection): void {
    if (connection !== this.#connection && connection.open === 0) void connection.client.dispose()
  }
}

async function start(client: Client, workflowId: string, input: unknown): Promise<string> {
  let jobId: string | undefined
  await each<BenchExecuteMutation>(client, { query: EXECUTE, variables: { workflowId, input } }, (data) => {
    if ('job' in data.executeWorkflow) jobId = data.executeWorkflow.job.id
    else throw new Error(`the start is refused: ${JSON.stringify(data.executeWorkflow)}`)
  })
  if (jobId === undefined) throw new Error('the start was not answered')
  return jobId
}

async function follow(client: Client, jobId: string): Promise<void> {
  let end: string | undefined
  await each<BenchFollowSubscription>(client, { query: FOLLOW, variables: { jobId } }, ({ jobEvents }) => {
    end = jobEvents.events.at(-1)?.kind ?? end
  })
  if (end !== 'JOB_COMPLETED') throw new Error(`the job ended with ${end ?? 'no event'}`)
}

/** Calls `onData` with each result; rejects with the first error. */
function each<Data>(
  client: Client,
  operation: { readonly query: string; readonly variables: Record<string, unknown> },
  onData: (data: Data) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    client.subscribe<Data>(operation, {
      next: ({ data, errors }) => {
        try {
          if (errors || !data) throw new Error(JSON.stringify(errors))
          onData(data)
        } catch (failure) {
          reject(failure instanceof Error ? failure : new Error(String(failure)))
        }
      },
      error: (failure) => reject(failure instanceof Error ? failure : new Error(JSON.stringify(failure))),
      complete: () => resolve(),
    })
  })
}
