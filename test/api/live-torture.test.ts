import { ServerResponse } from 'node:http'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { type ExecutionResult } from 'graphql'
import { WebSocket } from 'ws'
import type { JobId } from '../../src/lib/ids.ts'
import { graphql } from '../gql/index.ts'
import type { FollowForTortureSubscription } from '../gql/graphql.ts'
import { startApiServer, type ApiServer } from '../support/api-server.ts'
import { SIMPLE } from '../support/definitions.ts'
import { openEventStream } from '../support/event-stream.ts'
import { recordMessages } from '../support/record-messages.ts'
import { recordOf } from '../support/recorded.ts'
import { runToEnd, start } from '../support/runs.ts'
import { seeded } from '../support/seeded.ts'
import { until } from '../support/until.ts'
import { uuidOf } from '../support/uuid-of.ts'
import { openWebSocket } from '../support/web-socket-client.ts'

const SUBSCRIBERS = 200
const JOBS = 8
const GATES = 6
/** Of a subscriber's batches, how many are followed by a cut. */
const CUT_RATE = 0.35

/** The same seed gives the same subscribers and the same cuts: set LUME_TEST_SEED to see a failure again. */
const SEED = Number(process.env.LUME_TEST_SEED ?? Date.now() % 1_000_000)

const FOLLOW = graphql(`
  subscription FollowForTorture($jobId: ID!, $after: Int) {
    jobEvents(jobId: $jobId, after: $after) {
      cursor
      job {
        status
      }
      events {
        id
        seq
        kind
        progress
      }
    }
  }
`)

type Batch = FollowForTortureSubscription['jobEvents']
type Event = Batch['events'][number]

let server: ApiServer
beforeAll(async () => {
  server = await startApiServer()
})
afterAll(async () => {
  expect(server.takeFaults()).toEqual([])
  await server.stop()
})

test(`200 subscribers whose connections are cut at random each get the whole timeline, once and in order (seed ${SEED})`, async () => {
  const random = seeded(SEED)
  const jobs = await Promise.all(
    Array.from({ length: JOBS }, async (_, number) => {
      const name = `torture ${number}`
      const { jobId } = await start(server, { definition: manyGates(name) })
      return { jobId, name, subscribers: [] as Subscriber[] }
    }),
  )
  const join = (number: number) => {
    const job = jobs[number % JOBS] as (typeof jobs)[number]
    const transport = random() < 0.5 ? 'WS' : 'SSE'
    const subscriber = new Subscriber(job.jobId, transport, seeded(Math.floor(random() * 2 ** 31)))
    job.subscribers.push(subscriber)
    return subscriber.followToTheEnd()
  }
  const numbers = Array.from({ length: SUBSCRIBERS }, (_, number) => number)
  // A third before anything has passed, a third while the runs are under way, the rest when they are over.
  const third = Math.floor(SUBSCRIBERS / 3)
  const following = numbers.slice(0, third).map(join)
  const late = numbers.slice(third, 2 * third)
  const perGate = Math.ceil(late.length / GATES)
  for (let gate = 0; gate < GATES; gate++) {
    for (const { name, subscribers } of jobs) {
      await server.gate(`${name} ${gate}`).reached
      await until(`half of the subscribers see gate ${gate} of ${name}`, () => {
        const seeing = subscribers.filter((subscriber) => subscriber.cursor > 2 * gate)
        return seeing.length >= subscribers.length / 2
      })
    }
    following.push(...late.slice(gate * perGate, (gate + 1) * perGate).map(join))
    for (const { name } of jobs) server.gate(`${name} ${gate}`).open()
  }
  await Promise.all(following)
  await Promise.all(numbers.slice(2 * third).map(join))

  let cuts = 0
  for (const { jobId, subscribers } of jobs) {
    const timeline = await timelineOnRecord(jobId)
    expect(timeline.map(({ seq }) => seq)).toEqual(timeline.map((_event, index) => index + 1))
    expect(timeline.at(-1)?.kind).toBe('JOB_COMPLETED')
    expect(subscribers).toHaveLength(SUBSCRIBERS / JOBS)
    for (const { received } of subscribers)
      expect(received.map(({ seq, kind }) => ({ seq, kind }))).toEqual(timeline)
    cuts += subscribers.reduce((sum, subscriber) => sum + subscriber.cuts, 0)
  }
  expect(cuts).toBeGreaterThan(SUBSCRIBERS)
}, 60_000)

/** Stands still at each of its gates in turn. */
function manyGates(name: string) {
  const ids = Array.from({ length: GATES }, (_, gate) => `gate${gate}`)
  return {
    nodes: ids.map((id, gate) => ({ id, type: 'test.gate', config: { name: `${name} ${gate}` } })),
    edges: ids.slice(1).map((target, index) => ({ source: ids[index], target })),
  }
}

async function timelineOnRecord(jobId: string): Promise<readonly Pick<Event, 'seq' | 'kind'>[]> {
  return (await recordOf(server.pool, uuidOf(jobId))).events.map(({ seq, kind }) => ({ seq, kind }))
}

/** Somebody on a bad network: puts a timeline together of what comes through many connections. */
class Subscriber {
  readonly received: Event[] = []
  cursor = 0
  cuts = 0
  readonly #jobId: string
  readonly #transport: 'WS' | 'SSE'
  readonly #random: () => number

  constructor(jobId: string, transport: 'WS' | 'SSE', random: () => number) {
    this.#jobId = jobId
    this.#transport = transport
    this.#random = random
  }

  async followToTheEnd(): Promise<void> {
    while (!(await this.#followOnce()));
  }

  /** Follows until the stream completes by itself, or the connection is cut; tells whether it has completed. */
  async #followOnce(): Promise<boolean> {
    const connection = await this.#connect({ jobId: this.#jobId, after: this.cursor })
    for (;;) {
      // Sometimes the cut comes before anything does.
      if (this.#random() < CUT_RATE / 4) return this.#cut(connection)
      const { value, done } = await connection.results.next()
      if (done) {
        await connection.close()
        return true
      }
      const batch = value.data?.jobEvents
      if (!batch) throw new Error(JSON.stringify(value))
      this.received.push(...batch.events)
      this.cursor = batch.cursor
      if (this.#random() < CUT_RATE) return this.#cut(connection)
    }
  }

  #cut({ cut }: Connection): false {
    this.cuts++
    cut()
    return false
  }

  async #connect(variables: { jobId: string; after: number }): Promise<Connection> {
    if (this.#transport === 'SSE') {
      const { results, cut } = await openEventStream(server.url, 'POST', FOLLOW, variables)
      return { results, cut, close: async () => cut() }
    }
    const socket = openWebSocket(server.url)
    return { results: socket.subscribe(FOLLOW, variables), cut: socket.cut, close: socket.close }
  }
}

interface Connection {
  readonly results: AsyncGenerator<ExecutionResult<FollowForTortureSubscription>>
  cut(): void
  close(): Promise<void>
}

/** What a connection may hold: a few pages on their way, each of a megabyte here. */
const BUFFER_MAX_BYTES = 8 * 1024 * 1024
const PAGES = 60
const PAGE_SIZE = 500

test('a reader that does not read makes the server hold a few pages at the most, and others are served meanwhile', async () => {
  const runAt = new Date(Date.now() + 3_600_000).toISOString()
  const { jobId } = await start(server, { definition: SIMPLE, runAt })
  const last = (await timelineOnRecord(jobId)).length
  // 60 MB in 60 pages, which only the database has.
  await recordMessages(server.pool, uuidOf(jobId), { count: PAGES * PAGE_SIZE, message: 'x'.repeat(2_000) })
  server.lume.services.wakeups.news([uuidOf(jobId) as JobId])
  const watch = watchServer(uuidOf(jobId))
  const slow = await Promise.all([
    stalledWebSocket({ jobId, after: last }),
    stalledSse({ jobId, after: last }),
  ])
  // Everybody else gets all there is while the two do not read.
  for (let round = 0; round < 5; round++) {
    const others = await Promise.all(
      Array.from({ length: 4 }, () => runToEnd(server, { definition: SIMPLE })),
    )
    for (const { timeline } of others) expect(timeline.at(-1)?.kind).toBe('JOB_COMPLETED')
  }
  expect(watch.pages()).toBeGreaterThan(0)
  expect(watch.pages()).toBeLessThan(PAGES)
  expect(watch.maxBufferedBytes()).toBeLessThan(BUFFER_MAX_BYTES)
  for (const leave of slow) leave()
  watch.stop()
}, 60_000)

const STALLED = graphql(`
  subscription StalledReader($jobId: ID!, $after: Int) {
    jobEvents(jobId: $jobId, after: $after) {
      events {
        seq
        ... on JobProgressEvent {
          message
        }
      }
    }
  }
`)

/** Counts the pages that the server reads of a job, and the most that it holds for one connection. */
function watchServer(jobUuid: string) {
  const { events } = server.lume.services
  const { after } = events
  let pages = 0
  let most = 0
  Object.assign(events, {
    after: (...args: Parameters<typeof after>) => {
      if (args[0].id === jobUuid) pages++
      return after(...args)
    },
  })
  const { send } = WebSocket.prototype
  const { write } = ServerResponse.prototype
  WebSocket.prototype.send = function watched(this: WebSocket, ...args: unknown[]) {
    ;(send as (...all: unknown[]) => void).apply(this, args)
    most = Math.max(most, this.bufferedAmount)
  } as typeof send
  ServerResponse.prototype.write = function watched(this: ServerResponse, ...args: unknown[]) {
    const hasRoom = (write as (...all: unknown[]) => boolean).apply(this, args)
    most = Math.max(most, this.writableLength)
    return hasRoom
  } as typeof write
  return {
    pages: () => pages,
    maxBufferedBytes: () => most,
    stop: () => {
      Object.assign(events, { after })
      WebSocket.prototype.send = send
      ServerResponse.prototype.write = write
    },
  }
}

type StalledVariables = { jobId: string; after: number }

async function stalledSse(variables: StalledVariables): Promise<() => void> {
  const { results, cut } = await openEventStream(server.url, 'POST', STALLED, variables)
  await results.next()
  return cut
}

async function stalledWebSocket(variables: StalledVariables): Promise<() => void> {
  const socket = new WebSocket(server.url.replace('http', 'ws'), 'graphql-transport-ws')
  await new Promise((resolve) => socket.once('open', resolve))
  socket.send(JSON.stringify({ type: 'connection_init' }))
  await new Promise((resolve) => socket.once('message', resolve))
  socket.send(
    JSON.stringify({ id: '1', type: 'subscribe', payload: { query: STALLED.toString(), variables } }),
  )
  await new Promise((resolve) => socket.once('message', resolve))
  socket.pause()
  return () => socket.terminate()
}
