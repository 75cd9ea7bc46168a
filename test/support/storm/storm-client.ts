import { graphql } from '../../gql/gql.ts'
import type { TypedDocumentString } from '../../gql/graphql.ts'
import { createGraphqlClient } from '../graphql-client.ts'
import { openWebSocket } from '../web-socket-client.ts'
import { TERMINAL_EVENT_KINDS } from '../../../src/engine/record/event.ts'
import type { Shape } from './shapes.ts'

const MakeStormChild = graphql(`
  mutation MakeStormChild($definition: JSON!) {
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

const StartInStorm = graphql(`
  mutation StartInStorm($definition: JSON!, $input: JSON!, $key: String!) {
    executeWorkflow(input: { definition: $definition, input: $input, idempotencyKey: $key }) {
      __typename
      ... on ExecuteWorkflowPayload {
        job {
          id
        }
        execution {
          id
        }
      }
    }
  }
`)

const ApproveInStorm = graphql(`
  mutation ApproveInStorm($id: ID!, $key: String!) {
    signalExecution(input: { id: $id, name: "approval", payload: { by: "Ada" }, idempotencyKey: $key }) {
      __typename
    }
  }
`)

const FollowInStorm = graphql(`
  subscription FollowInStorm($jobId: ID!, $after: Int!) {
    jobEvents(jobId: $jobId, after: $after) {
      cursor
      events {
        seq
        kind
      }
    }
  }
`)

const TRY_AGAIN_MS = 100
/** The error codes after which a client sends the same again. */
const PASSING = ['SERVICE_UNAVAILABLE']

export interface SeenEvent {
  readonly seq: number
  readonly kind: string
}

/** What a client knows of an execution that it started and followed to its end. */
export interface SeenRun {
  readonly shape: Shape
  readonly key: string
  readonly jobId: string
  /** In the order in which they came. */
  readonly events: readonly SeenEvent[]
}

/** Clients that run executions over GraphQL, and take the next api when one fails. */
export interface StormClients {
  /** Stores and publishes a workflow, and returns its id. */
  publish(definition: object): Promise<string>
  /** Starts an execution, sends its signal, and follows its timeline to the end. */
  run(shape: Shape, key: string, input: object): Promise<SeenRun>
  /** The executions that are started and have not ended, as their clients see them. */
  open(): readonly string[]
}

/** `apis`: the GraphQL addresses that can be reached now. */
export function createStormClients(apis: () => readonly string[]): StormClients {
  let turn = 0
  const open = new Map<string, string>()
  /** Tries at one api after another until an attempt has a result. */
  const persist = async <T>(attempt: (url: string) => Promise<T | null>): Promise<T> => {
    for (;;) {
      const urls = apis()
      const url = urls[turn++ % urls.length]
      const result = url === undefined ? null : await attempt(url)
      if (result !== null) return result
      await new Promise((resolve) => setTimeout(resolve, TRY_AGAIN_MS))
    }
  }
  const ask = <Data, Variables>(document: TypedDocumentString<Data, Variables>, variables: Variables) =>
    persist(async (url) => {
      const answer = await createGraphqlClient(url)
        .send(document, variables)
        .catch(() => null)
      if (answer === null || isPassing(answer.errors)) return null
      if (answer.data === null || answer.errors.length > 0) throw new Error(JSON.stringify(answer))
      return answer.data
    })
  const follow = async (jobId: string, state: (text: string) => void): Promise<readonly SeenEvent[]> => {
    const events: SeenEvent[] = []
    let after = 0
    await persist(async (url) => {
      const connection = openWebSocket(url)
      try {
        for await (const { data, errors = [] } of connection.subscribe(FollowInStorm, { jobId, after })) {
          if (isPassing(errors)) return null
          if (!data || errors.length > 0) throw new StormError(JSON.stringify(errors))
          events.push(...data.jobEvents.events)
          after = data.jobEvents.cursor
          state(`has seen its events up to ${after}`)
        }
      } catch (error) {
        if (error instanceof StormError) throw error
        return isPassing(error) || !Array.isArray(error)
          ? null
          : Promise.reject(new StormError(JSON.stringify(error)))
      } finally {
        await connection.close()
      }
      return isEnd(events.at(-1)) || null
    })
    return events
  }
  return {
    async publish(definition) {
      const { createWorkflow: made } = await ask(MakeStormChild, { definition })
      if (made.__typename !== 'CreateWorkflowPayload') throw new Error(JSON.stringify(made))
      return made.workflow.id
    },
    async run(shape, key, input) {
      open.set(key, 'is being started')
      const { executeWorkflow: started } = await ask(StartInStorm, {
        definition: shape.definition,
        input,
        key,
      })
      if (started.__typename !== 'ExecuteWorkflowPayload') throw new Error(JSON.stringify(started))
      const { job, execution } = started
      const state = (text: string) => open.set(key, `${job.id} ${text}`)
      state('is started')
      if (shape.isApproved) {
        const { signalExecution: sent } = await ask(ApproveInStorm, { id: execution.id, key })
        if (sent.__typename !== 'SignalExecutionPayload') throw new Error(JSON.stringify(sent))
        state('is approved')
      }
      const events = await follow(job.id, state)
      open.delete(key)
      return { shape, key, jobId: job.id, events }
    },
    open: () => [...open].map(([key, state]) => `${key} ${state}`),
  }
}

/** An answer that no fault explains. */
class StormError extends Error {}

function isEnd(event: SeenEvent | undefined): boolean {
  return (TERMINAL_EVENT_KINDS as readonly (string | undefined)[]).includes(event?.kind)
}

/** Whether errors of GraphQL, or what a subscription threw, say that the same may be sent again. */
function isPassing(errors: unknown): boolean {
  const code = Array.isArray(errors)
    ? (errors[0] as { extensions?: { code?: string } } | undefined)?.extensions?.code
    : undefined
  return code !== undefined && PASSING.includes(code)
}
