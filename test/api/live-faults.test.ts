import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { ExecutionResult } from 'graphql'
import { pino } from 'pino'
import { createLume, type Lume } from '../../src/app.ts'
import { startServer } from '../../src/http/server.ts'
import { graphql } from '../gql/index.ts'
import type { FollowThroughFaultsSubscription, TypedDocumentString } from '../gql/graphql.ts'
import { SIMPLE } from '../support/definitions.ts'
import { startApiServer, type ApiServer } from '../support/api-server.ts'
import { breakStatements, failStatements, type SentStatement } from '../support/broken-statements.ts'
import { openEventStream } from '../support/event-stream.ts'
import { recordOf } from '../support/recorded.ts'
import { start } from '../support/runs.ts'
import type { Cut } from '../support/tcp-proxy.ts'
import { until } from '../support/until.ts'
import { uuidOf } from '../support/uuid-of.ts'
import { openWebSocket, type WebSocketClient } from '../support/web-socket-client.ts'

const FOLLOW = graphql(`
  subscription FollowThroughFaults($jobId: ID!, $after: Int, $kinds: [JobEventKind!], $withRun: Boolean!) {
    jobEvents(jobId: $jobId, after: $after, kinds: $kinds) {
      cursor
      events {
        seq
        kind
      }
      job {
        status
        lastSeq
        execution @include(if: $withRun) {
          status
          output
          tags
          steps(first: 5) {
            edges {
              node {
                path
                status
                output
              }
            }
          }
        }
      }
    }
  }
`)

const JOBS_CHANGED = graphql(`
  subscription JobsChangedThroughFaults {
    jobsChanged {
      id
      status
      execution {
        output
      }
    }
  }
`)

type Event = FollowThroughFaultsSubscription['jobEvents']['events'][number]
type Kinds = 'JOB_COMPLETED'[] | null

/** Runs the jobs, and serves followers from memory. */
let runner: ApiServer
/** Another process on the same database, as far as both can tell: hints reach it, and it reads. */
let reader: { readonly url: string; readonly lume: Lume; stop(): Promise<void> }

let sockets: Readonly<Record<'runner' | 'reader', WebSocketClient>>
const urls = { runner: () => runner.url, reader: () => reader.url }
/** The newest status of each job, as a list in each process sees it. */
let lists: readonly JobList[]

interface JobList {
  readonly server: 'runner' | 'reader'
  readonly statuses: ReadonlyMap<string, string>
  /** Rejects when its subscription fails. */
  readonly ended: Promise<void>
}

beforeAll(async () => {
  runner = await startApiServer()
  reader = await startReader(runner.databaseUrl)
  sockets = { runner: openWebSocket(runner.url, {}, KEPT), reader: openWebSocket(reader.url, {}, KEPT) }
  lists = (['runner', 'reader'] as const).map(listJobs)
})
afterAll(async () => {
  await Promise.all(Object.values(sockets).map((socket) => socket.close()))
  await Promise.all(lists.map(({ ended }) => ended))
  await reader.stop()
  await runner.stop()
})

const KEPT = { lazy: false }

/** One subscription to all jobs, which is to survive every fault. */
function listJobs(server: 'runner' | 'reader'): JobList {
  const statuses = new Map<string, string>()
  const follow = async () => {
    for await (const { data, errors } of sockets[server].subscribe(JOBS_CHANGED, {})) {
      if (!data) throw new Error(`the list of the ${server} has failed: ${JSON.stringify(errors)}`)
      statuses.set(data.jobsChanged.id, data.jobsChanged.status)
    }
  }
  const ended = follow()
  ended.catch(() => {}) // the end of the tests reports it
  return { server, statuses, ended }
}

/** A server without a worker. Its connections are known by the name of their host. */
async function startReader(databaseUrl: string) {
  const url = new URL(databaseUrl)
  url.hostname = READER_HOST
  const lume = await createLume({ databaseUrl: url.href, role: 'api' }, { logger: pino({ level: 'silent' }) })
  const server = await startServer({ lume, port: 0, isExplorable: true })
  const stop = async () => {
    await server.close()
    await lume.close()
  }
  return { url: server.url, lume, stop }
}

const READER_HOST = 'localhost'

/** What the processes send to bring a commit to their subscribers; statements of the worker and of the journal are not. */
function isOfLivePath({ text, client }: SentStatement): boolean {
  if (client.host === READER_HOST) return !text.startsWith('LISTEN')
  return !/journal|WITH locked AS|lume_survey|lume_claim|wake_at|holder|schedule|hello/i.test(text)
}

const CUTS: readonly Cut[] = ['before', 'during', 'after']

/** How many statements are broken in one run. */
const BROKEN_PER_RUN = 8

describe.each(CUTS)('when the connection breaks %s a statement', (cut) => {
  test('of those between a commit and a subscriber, each once, no event is missed, repeated or out of order', async () => {
    const left = await statementsOfLivePath(cut)
    expect(left.size).toBeGreaterThan(15)
    for (let run = 1; left.size > 0 && run <= MAX_RUNS; run++) {
      await runScenario(`${cut} ${run}`, () => breakSome(left, cut))
    }
    // What is sent only from time to time need not fall into these runs.
    expect([...left].filter((key) => !FROM_TIME_TO_TIME.test(key))).toEqual([])
  }, 60_000)
})

const MAX_RUNS = 10
/** A hello, a look at the followed jobs, a look at all changes, the question whether an outage is over, and a read of several rows that were asked for in one turn of the event loop. */
const FROM_TIME_TO_TIME = /pg_notify|AS "lastSeq", progress|WITH changed|\) OR \(|SELECT 1$/

/** Breaks the first `BROKEN_PER_RUN` of these statements that are sent, and removes them. */
function breakSome(left: Set<string>, cut: Cut): () => void {
  let broken = 0
  return breakStatements((statement) => {
    if (broken === BROKEN_PER_RUN || !isOfLivePath(statement) || !left.delete(keyOf(statement))) return false
    broken++
    return true
  }, cut)
}

/** The statements that are sent in each of several undisturbed runs: others fall into a run by chance. */
async function statementsOfLivePath(label: string): Promise<Set<string>> {
  let common: Set<string> | null = null
  for (let run = 1; run <= UNDISTURBED_RUNS; run++) {
    const keys = new Set<string>()
    await runScenario(`${label}, undisturbed ${run}`, () =>
      failStatements((statement) => {
        if (isOfLivePath(statement)) keys.add(keyOf(statement))
        return null
      }),
    )
    common = new Set([...(common ?? keys)].filter((key) => keys.has(key)))
  }
  return common ?? new Set()
}

const UNDISTURBED_RUNS = 3

function keyOf({ text, client }: SentStatement): string {
  return `${client.host === READER_HOST ? 'reader' : 'runner'} ${text}`
}

test('when every sixth read of the API fails with an unknown error, no event is missed, repeated or out of order', async () => {
  let reads = 0
  await runScenario('every sixth', () =>
    failStatements(({ client, text }) =>
      client.host === READER_HOST && /^SELECT/i.test(text) && ++reads % 6 === 0
        ? new Error('a fault of the test')
        : null,
    ),
  )
  expect(reads).toBeGreaterThan(20)
})

const CREATE_WORKFLOW = graphql(`
  mutation CreateWorkflowToFollow($definition: JSON!) {
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

const WITH_OWN_ERROR = graphql(`
  subscription FollowWithOwnError($jobId: ID!, $ofSteps: String, $ofWorkflow: String) {
    jobEvents(jobId: $jobId) {
      cursor
      job {
        execution {
          steps(first: 1, after: $ofSteps) {
            edges {
              cursor
            }
          }
          workflow {
            executions(first: 1, after: $ofWorkflow) {
              edges {
                cursor
              }
            }
          }
        }
      }
    }
  }
`)

test.each(['WS', 'SSE'] as const)(
  'an error that belongs to one field is sent with its batch, and ends the subscription where it leaves nothing of the batch (%s)',
  async (transport) => {
    const { createWorkflow } = await runner.client.ask(CREATE_WORKFLOW, { definition: SIMPLE })
    if (createWorkflow.__typename !== 'CreateWorkflowPayload') throw new Error(createWorkflow.__typename)
    const { jobId } = await start(runner, { workflowId: createWorkflow.workflow.id })
    const subscribe = (variables: { ofSteps?: string; ofWorkflow?: string }) =>
      subscribeOver('runner', transport, WITH_OWN_ERROR, { jobId, ...variables })
    const results = []
    for await (const result of await subscribe({ ofWorkflow: 'no cursor' })) results.push(result)
    expect(results.at(-1)).toMatchObject({
      data: { jobEvents: { job: { execution: { workflow: null } } } },
      errors: [{ extensions: { code: 'BAD_USER_INPUT' } }],
    })

    const failing = await subscribe({ ofSteps: 'no cursor' })
    const ended =
      transport === 'WS' ? failing.next().catch(takeErrors) : failing.next().then(({ value }) => value)
    expect(await ended).toMatchObject({ errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] })
    expect(await failing.next()).toMatchObject({ done: true })
  },
)

/** What a WebSocket's iterator rejects with, as a result. */
function takeErrors(errors: unknown) {
  return { errors }
}

/**
 * Follows a job over both transports, in both processes, with and without a nested selection and a filter, from its begin and from its
 * middle, and compares what arrived with the log. The disturbance begins once the first followers have begun.
 */
async function runScenario(name: string, disturb: () => () => void): Promise<void> {
  const { jobId } = await start(runner, { definition: gatedTwice(name) })
  await runner.gate(`${name} 1`).reached
  const early = FOLLOWERS.map((follower) => new Follower(jobId, follower))
  const following = early.map((follower) => follower.followToTheEnd())
  await until('all follow', () => {
    const counts = [runner, reader].map(({ lume }) => lume.services.timelines.followers)
    return counts[0] === counts[1] && counts[0] === FOLLOWERS.length / 2
  })
  const endDisturbance = disturb()
  runner.gate(`${name} 1`).open()
  await runner.gate(`${name} 2`).reached
  const late = FOLLOWERS.filter(({ withRun }) => withRun).map((follower) => new Follower(jobId, follower))
  following.push(...late.map((follower) => follower.followToTheEnd()))
  runner.gate(`${name} 2`).open()
  await Promise.all(following)
  for (const list of lists)
    await until(`${list.server} lists ${name}`, () => list.statuses.get(jobId) === 'COMPLETED')
  endDisturbance()

  const { events } = await recordOf(runner.pool, uuidOf(jobId))
  const log = events.map(({ seq, kind }) => ({ seq, kind }))
  expect(log.map(({ seq }) => seq)).toEqual(log.map((_event, index) => index + 1))
  expect(log.at(-1)?.kind).toBe('JOB_COMPLETED')
  for (const { received, kinds } of [...early, ...late])
    expect(received).toEqual(kinds ? log.filter(({ kind }) => kind === 'JOB_COMPLETED') : log)
  const codes = [...early, ...late].flatMap(({ failures }) => failures)
  expect(codes.filter((code) => code !== 'SERVICE_UNAVAILABLE')).toEqual([])
}

function gatedTwice(name: string) {
  return {
    nodes: [
      { id: 'first', type: 'test.gate', config: { name: `${name} 1` } },
      { id: 'second', type: 'test.gate', config: { name: `${name} 2` } },
    ],
    edges: [{ source: 'first', target: 'second' }],
    // Memory does not hold it: the last batch has to be read.
    output: { text: 'x'.repeat(20_000) },
  }
}

interface FollowerKind {
  readonly server: 'runner' | 'reader'
  readonly transport: 'WS' | 'SSE'
  readonly kinds: Kinds
  readonly withRun: boolean
}

const FOLLOWERS: readonly FollowerKind[] = (['runner', 'reader'] as const).flatMap((server) =>
  (['WS', 'SSE'] as const).flatMap((transport) => [
    { server, transport, kinds: null, withRun: false },
    { server, transport, kinds: null, withRun: true },
    { server, transport, kinds: ['JOB_COMPLETED'], withRun: true },
  ]),
)

/** A client that subscribes again with its last cursor whenever its subscription fails. */
class Follower {
  readonly received: Event[] = []
  readonly failures: string[] = []
  readonly kinds: Kinds
  readonly #jobId: string
  readonly #kind: FollowerKind
  #cursor = 0

  constructor(jobId: string, kind: FollowerKind) {
    this.#jobId = jobId
    this.#kind = kind
    this.kinds = kind.kinds
  }

  async followToTheEnd(): Promise<void> {
    while (!(await this.#followOnce())) if (this.failures.length > 20) throw new Error(this.failures.join())
  }

  /** Returns whether the stream has completed. */
  async #followOnce(): Promise<boolean> {
    const { server, transport, kinds, withRun } = this.#kind
    const variables = { jobId: this.#jobId, after: this.#cursor, kinds, withRun }
    try {
      for await (const { data, errors } of await subscribeOver(server, transport, FOLLOW, variables)) {
        if (errors) throw errors
        if (!data) throw new Error('a result has neither data nor errors')
        this.received.push(...data.jobEvents.events)
        this.#cursor = data.jobEvents.cursor
      }
      return true
    } catch (fault) {
      this.failures.push(codeOf(fault))
      return false
    }
  }
}

async function subscribeOver<Data, Variables extends Record<string, unknown>>(
  server: 'runner' | 'reader',
  transport: 'WS' | 'SSE',
  document: TypedDocumentString<Data, Variables>,
  variables: Variables,
): Promise<AsyncGenerator<ExecutionResult<Data>>> {
  if (transport === 'WS') return sockets[server].subscribe(document, variables)
  return (await openEventStream(urls[server](), 'POST', document, variables)).results
}

/** The code of the errors that a subscription has ended with. */
function codeOf(fault: unknown): string {
  const [error] = Array.isArray(fault) ? (fault as { extensions?: { code?: string } }[]) : []
  return error?.extensions?.code ?? String(fault)
}
