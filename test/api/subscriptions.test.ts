import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import type { ExecutionResult } from 'graphql'
import { createClient as createSseClient } from 'graphql-sse'
import { WebSocket } from 'ws'
import type { JobId } from '../../src/lib/ids.ts'
import { graphql } from '../gql/index.ts'
import type { JobEventKind, JobEventsSubscription, JobEventsSubscriptionVariables } from '../gql/graphql.ts'
import { startApiServer, type ApiServer } from '../support/api-server.ts'
import { GREETING, SIMPLE } from '../support/definitions.ts'
import { openEventStream } from '../support/event-stream.ts'
import { recordMessages } from '../support/record-messages.ts'
import { JOB_EVENTS, runToEnd, start, timelineOf, type Batch, type TimelineEvent } from '../support/runs.ts'
import { until } from '../support/until.ts'
import { uuidOf } from '../support/uuid-of.ts'
import { openWebSocket } from '../support/web-socket-client.ts'

const EXECUTION_EVENTS = graphql(`
  subscription ExecutionEvents($executionId: ID!, $after: Int, $kinds: [JobEventKind!]) {
    executionEvents(executionId: $executionId, after: $after, kinds: $kinds) {
      cursor
      job {
        id
      }
      events {
        id
        seq
        kind
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

/** One subscription on a connection of its own. */
interface Subscriber {
  readonly results: AsyncGenerator<ExecutionResult<JobEventsSubscription>>
  /** Breaks the connection without a word. */
  cut(): void
  close(): Promise<void>
}

type Transport = (variables: JobEventsSubscriptionVariables) => Promise<Subscriber>

const overWebSocket: Transport = async (variables) => {
  const socket = openWebSocket(server.url)
  return { results: socket.subscribe(JOB_EVENTS, variables), cut: socket.cut, close: socket.close }
}

const overSse =
  (method: 'POST' | 'GET'): Transport =>
  async (variables) => {
    const { results, cut } = await openEventStream(server.url, method, JOB_EVENTS, variables)
    return { results, cut, close: async () => cut() }
  }

const TRANSPORTS: readonly [name: string, transport: Transport][] = [
  ['a WebSocket', overWebSocket],
  ['SSE by POST', overSse('POST')],
  ['SSE by GET', overSse('GET')],
]

/** Stands still at each of these gates in turn. */
function gatedTwice(name: string) {
  return {
    nodes: [
      { id: 'first', type: 'test.gate', config: { name: `${name} 1` } },
      { id: 'middle', type: 'core.transform', config: { value: 1 } },
      { id: 'second', type: 'test.gate', config: { name: `${name} 2` } },
    ],
    edges: [
      { source: 'first', target: 'middle' },
      { source: 'middle', target: 'second' },
    ],
  }
}

async function batchesOf({ results }: Subscriber): Promise<Batch[]> {
  const batches: Batch[] = []
  for await (const { data, errors } of results) {
    if (!data) throw new Error(JSON.stringify(errors))
    batches.push(data.jobEvents)
  }
  return batches
}

function eventsOf(batches: readonly Batch[]): TimelineEvent[] {
  return batches.flatMap(({ events }) => events)
}

/** The batches up to the first that satisfies; the stream stays open. */
async function batchesUntil(
  { results }: Subscriber,
  isEnough: (batch: Batch) => boolean,
): Promise<readonly Batch[]> {
  const batches: Batch[] = []
  for (;;) {
    const { value, done } = await results.next()
    const batch = (value as ExecutionResult<JobEventsSubscription> | undefined)?.data?.jobEvents
    if (done || !batch) throw new Error(`the stream ended early: ${JSON.stringify(value)}`)
    batches.push(batch)
    if (isEnough(batch)) return batches
  }
}

describe.each(TRANSPORTS)('over %s', (name, subscribe) => {
  test('a subscriber gets the same events before, during and after the run', async () => {
    const label = `same ${name}`
    const run = await start(server, { definition: gatedTwice(label) })
    const early = await subscribe({ jobId: run.jobId })
    const earlyStart = await batchesUntil(early, () => true)
    server.gate(`${label} 1`).open()
    await server.gate(`${label} 2`).reached
    const middle = await subscribe({ jobId: run.jobId })
    const middleStart = await batchesUntil(middle, () => true)
    server.gate(`${label} 2`).open()
    const [earlyRest, middleRest] = await Promise.all([batchesOf(early), batchesOf(middle)])
    const late = await subscribe({ jobId: run.jobId })

    const timeline = eventsOf(await batchesOf(late))
    expect(timeline.map(({ seq }) => seq)).toEqual(timeline.map((_event, index) => index + 1))
    expect(timeline.at(-1)?.kind).toBe('JOB_COMPLETED')
    expect(eventsOf([...earlyStart, ...earlyRest])).toEqual(timeline)
    expect(eventsOf([...middleStart, ...middleRest])).toEqual(timeline)
    expect(earlyRest.length).toBeGreaterThan(1)
  })

  test('`after` leaves out what the subscriber has, and a finished job is not waited for', async () => {
    const { jobId, timeline } = await runToEnd(server, { definition: GREETING, input: { name: 'Ada' } })
    for (const after of [0, 3, timeline.length - 1]) {
      expect(eventsOf(await batchesOf(await subscribe({ jobId, after })))).toEqual(timeline.slice(after))
    }
    for (const after of [timeline.length, 1_000_000]) {
      expect(await batchesOf(await subscribe({ jobId, after }))).toEqual([
        expect.objectContaining({ events: [], caughtUp: true, cursor: timeline.length }),
      ])
    }
    expect(eventsOf(await batchesOf(await subscribe({ jobId, after: -7 })))).toEqual(timeline)
    expect(eventsOf(await batchesOf(await subscribe({ jobId, after: null })))).toEqual(timeline)
  })

  test('`kinds` leaves events out, and the cursor counts them all the same', async () => {
    const label = `kinds ${name}`
    const run = await start(server, { definition: gatedTwice(label) })
    const kinds: JobEventKind[] = ['STEP_COMPLETED']
    const live = await subscribe({ jobId: run.jobId, kinds })
    await until('it is followed', () => server.lume.services.timelines.followers === 1)
    server.gate(`${label} 1`).open()
    server.gate(`${label} 2`).open()
    const liveBatches = await batchesOf(live)
    // No batch says that the subscription has begun, and none is sent for events of other kinds.
    expect(liveBatches.filter(({ events }) => events.length === 0).length).toBeLessThanOrEqual(1)
    const timeline = await timelineOf(server, run.jobId)
    const wanted = timeline.filter(({ kind }) => kind === 'STEP_COMPLETED')
    expect(wanted).toHaveLength(3)
    expect(eventsOf(liveBatches)).toEqual(wanted)
    expect(liveBatches.at(-1)).toMatchObject({ cursor: timeline.length, job: { status: 'COMPLETED' } })

    const replayed = await batchesOf(await subscribe({ jobId: run.jobId, kinds, after: wanted[0]?.seq ?? 0 }))
    expect(eventsOf(replayed)).toEqual(wanted.slice(1))
    expect(eventsOf(await batchesOf(await subscribe({ jobId: run.jobId, kinds: [] })))).toEqual([])
  })

  test.each([
    ['garbage', 'garbage'],
    ['a UUID of nothing', '00000000-0000-7000-8000-000000000000'],
    [
      'an id of another type',
      Buffer.from('Workflow:00000000-0000-7000-8000-000000000000').toString('base64'),
    ],
  ])('%s is answered with NOT_FOUND, and the stream completes', async (_what, jobId) => {
    const { results, close } = await subscribe({ jobId })
    const answers: ExecutionResult<JobEventsSubscription>[] = []
    for await (const answer of results) answers.push(answer)
    expect(answers).toEqual([
      {
        errors: [
          {
            message: 'There is no such job.',
            path: ['jobEvents'],
            locations: [expect.anything()],
            extensions: { code: 'NOT_FOUND' },
          },
        ],
      },
    ])
    await close()
  })

  test('a subscriber whose connection is cut resumes with its cursor and misses and repeats nothing', async () => {
    const label = `cut ${name}`
    const run = await start(server, { definition: gatedTwice(label) })
    const received: TimelineEvent[] = []
    let cursor = 0
    const follow = async (isEnough: (batch: Batch) => boolean) => {
      const subscriber = await subscribe({ jobId: run.jobId, after: cursor })
      for (const batch of await batchesUntil(subscriber, isEnough)) {
        received.push(...batch.events)
        cursor = batch.cursor
      }
      subscriber.cut()
    }
    const sees = (path: string) => (batch: Batch) =>
      batch.events.some((event) => 'path' in event && event.path === path)

    await follow(sees('first'))
    server.gate(`${label} 1`).open()
    await server.gate(`${label} 2`).reached // nobody follows meanwhile
    await follow(sees('second'))
    server.gate(`${label} 2`).open()
    await follow(({ events }) => events.some(({ kind }) => kind === 'JOB_COMPLETED'))

    expect(received).toEqual(await timelineOf(server, run.jobId))
  })
})

describe('executionEvents', () => {
  test('are the events of the execution’s job', async () => {
    const { executionId, jobId, timeline } = await runToEnd(server, { definition: SIMPLE })
    const socket = openWebSocket(server.url)
    const batches = []
    for await (const { data } of socket.subscribe(EXECUTION_EVENTS, { executionId })) {
      batches.push(data?.executionEvents)
    }
    expect(batches.flatMap((batch) => batch?.events)).toEqual(
      timeline.map(({ id, seq, kind }) => ({ id, seq, kind })),
    )
    expect(batches.at(-1)?.job.id).toBe(jobId)

    const resumed = socket.subscribe(EXECUTION_EVENTS, { executionId, after: 1, kinds: ['JOB_COMPLETED'] })
    for await (const { data } of resumed) {
      expect(data?.executionEvents.events.map(({ kind }) => kind)).toEqual(['JOB_COMPLETED'])
    }
    await socket.close()
  })

  test('of nothing are NOT_FOUND, also by the id of a job', async () => {
    const { jobId } = await runToEnd(server, { definition: SIMPLE })
    const socket = openWebSocket(server.url)
    for (const executionId of ['garbage', jobId]) {
      for await (const { errors } of socket.subscribe(EXECUTION_EVENTS, { executionId })) {
        expect(errors?.map(({ extensions }) => extensions)).toEqual([{ code: 'NOT_FOUND' }])
      }
    }
    await socket.close()
  })
})

describe('when a subscriber goes', () => {
  const followers = () => server.lume.services.timelines.followers
  afterEach(() => expect(followers()).toBe(0))

  test.each(TRANSPORTS)('by a cut of %s, the server follows no longer', async (name, subscribe) => {
    const label = `gone ${name}`
    const run = await start(server, { definition: gatedTwice(label) })
    await server.gate(`${label} 1`).reached
    const subscribers = await Promise.all(Array.from({ length: 5 }, () => subscribe({ jobId: run.jobId })))
    // All have what there is: from here on the server only waits.
    for (const subscriber of subscribers) await batchesUntil(subscriber, sees('STEP_STARTED'))
    expect(followers()).toBe(5)
    for (const { cut } of subscribers) cut()
    await until('no follower is left', () => followers() === 0)
    server.gate(`${label} 1`).open()
    server.gate(`${label} 2`).open()
    await timelineOf(server, run.jobId)
  })

  test('by ending one subscription, the others on its connection go on', async () => {
    const run = await start(server, { definition: gatedTwice('one of two') })
    const socket = openWebSocket(server.url)
    const staying = socket.subscribe(JOB_EVENTS, { jobId: run.jobId })
    const leaving = socket.subscribe(JOB_EVENTS, { jobId: run.jobId })
    const first = await staying.next()
    await leaving.next()
    await leaving.return(undefined)
    await until('one follower is left', () => followers() === 1)
    server.gate('one of two 1').open()
    server.gate('one of two 2').open()
    const rest = []
    for await (const { data } of staying) rest.push(...(data?.jobEvents.events ?? []))
    const start1 = (first.value as ExecutionResult<JobEventsSubscription>).data?.jobEvents.events ?? []
    expect([...start1, ...rest]).toEqual(await timelineOf(server, run.jobId))
    await socket.close()
    await until('no follower is left', () => followers() === 0)
  })

  const sees = (kind: JobEventKind) => (batch: Batch) => batch.events.some((event) => event.kind === kind)
})

describe('a slow subscriber', () => {
  test.each(['SSE', 'a WebSocket'])('over %s is not read ahead for without bound', async (transport) => {
    const runAt = new Date(Date.now() + 3_600_000).toISOString()
    const { jobId } = await start(server, { definition: SIMPLE, runAt })
    await recordMessages(server.pool, uuidOf(jobId), { count: 30_000, message: 'x'.repeat(2_000) })
    const { events, wakeups } = server.lume.services
    wakeups.news([uuidOf(jobId) as JobId])
    const { after } = events
    let pages = 0
    Object.assign(events, {
      after: (...args: Parameters<typeof after>) => {
        pages++
        return after(...args)
      },
    })
    // 60 MB in 60 pages, which only the database has.
    const variables = { jobId, after: 1 }
    const leave = await (transport === 'SSE' ? stalledSse(variables) : stalledWebSocket(variables))
    await until('the server reads no further', async () => {
      const before = pages
      await new Promise((resolve) => setTimeout(resolve, 200))
      return pages > 0 && pages === before
    })
    expect(pages).toBeLessThan(40)
    leave()
    Object.assign(events, { after })
  })

  async function stalledSse(variables: JobEventsSubscriptionVariables) {
    const { results, cut } = await openEventStream(server.url, 'POST', JOB_EVENTS, variables)
    await results.next()
    return cut
  }

  async function stalledWebSocket(variables: JobEventsSubscriptionVariables) {
    const socket = new WebSocket(server.url.replace('http', 'ws'), 'graphql-transport-ws')
    await new Promise((resolve) => socket.once('open', resolve))
    socket.send(JSON.stringify({ type: 'connection_init' }))
    await new Promise((resolve) => socket.once('message', resolve))
    const payload = { query: JOB_EVENTS.toString(), variables }
    socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload }))
    await new Promise((resolve) => socket.once('message', resolve))
    socket.pause()
    return () => socket.terminate()
  }
})

describe('the clients that people use', () => {
  test('graphql-sse follows a run', async () => {
    const { jobId, timeline } = await runToEnd(server, { definition: SIMPLE })
    const client = createSseClient({ url: server.url, retryAttempts: 0 })
    const events: unknown[] = []
    for await (const { data } of client.iterate<JobEventsSubscription>({
      query: JOB_EVENTS.toString(),
      variables: { jobId },
    })) {
      events.push(...(data?.jobEvents.events ?? []))
    }
    expect(events).toEqual(timeline)
    client.dispose()
  })

  test('SSE answers with what proxies and EventSource want to see', async () => {
    const { jobId } = await runToEnd(server, { definition: SIMPLE })
    const { status, headers, results } = await openEventStream(server.url, 'GET', JOB_EVENTS, { jobId })
    expect(status).toBe(200)
    expect(headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    })
    expect(headers['content-encoding']).toBeUndefined()
    for await (const _result of results);
  })

  test('queries and mutations work over a WebSocket, too', async () => {
    const socket = openWebSocket(server.url)
    const answers = []
    for await (const answer of socket.subscribe(
      graphql(`
        mutation ValidateOverWebSocket($definition: JSON!) {
          validateWorkflow(input: { definition: $definition }) {
            ... on ValidateWorkflowPayload {
              valid
            }
          }
        }
      `),
      { definition: SIMPLE },
    )) {
      answers.push(answer)
    }
    expect(answers).toEqual([{ data: { validateWorkflow: { valid: true } } }])
    await socket.close()
  })
})

test('of an execution that is not there it is the execution that is not found, and no job', async () => {
  const socket = openWebSocket(server.url)
  const answers = []
  for await (const answer of socket.subscribe(EXECUTION_EVENTS, { executionId: 'garbage' }))
    answers.push(answer)
  expect(answers).toMatchObject([
    { errors: [{ message: 'There is no such execution.', extensions: { code: 'NOT_FOUND' } }] },
  ])
  await socket.close()
})
