import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { z } from 'zod'
import { completed } from '../../src/engine/block/block.ts'
import { defineBlock } from '../../src/engine/block/define-block.ts'
import { graphql } from '../gql/index.ts'
import type { JobEventKind } from '../gql/graphql.ts'
import { startApiServer, type ApiServer } from '../support/api-server.ts'
import { JOB_EVENTS, start, timelineOf } from '../support/runs.ts'
import { openWebSocket } from '../support/web-socket-client.ts'

const PAGE = graphql(`
  query PageOfEvents($id: ID!, $after: Int, $first: Int, $kinds: [JobEventKind!]) {
    job(id: $id) {
      lastSeq
      events(after: $after, first: $first, kinds: $kinds) {
        cursor
        hasMore
        events {
          seq
          kind
          ... on StepStreamEvent {
            text
          }
        }
      }
    }
  }
`)

const talker = defineBlock({
  type: 'test.talker',
  name: 'Talker',
  description: 'Hands out text as it comes.',
  config: z.strictObject({ text: z.string() }),
  output: z.string(),
  sample: '',
  async run({ config: { text }, stream }) {
    stream(text)
    return completed(text)
  },
})

const DEFINITION = {
  nodes: ['one', 'two'].map((id) => ({ id, type: 'test.talker', config: { text: `text of ${id}` } })),
  edges: [{ source: 'one', target: 'two' }],
}

let server: ApiServer
let jobId: string
beforeAll(async () => {
  server = await startApiServer({ blocks: [talker] })
  const run = await start(server, { definition: DEFINITION })
  jobId = run.jobId
  await timelineOf(server, jobId)
})
afterAll(async () => {
  expect(server.takeFaults()).toEqual([])
  await server.stop()
})

async function page(args: { after?: number; first?: number; kinds?: JobEventKind[] | null }) {
  const { job } = await server.client.ask(PAGE, { id: jobId, ...args })
  if (!job) throw new Error('there is no such job')
  return { ...job.events, lastSeq: job.lastSeq }
}

const STREAMED = [
  { kind: 'STEP_STREAM', text: 'text of one' },
  { kind: 'STEP_STREAM', text: 'text of two' },
]

test('pieces of text are in a timeline only for those who ask for them; the cursor counts them', async () => {
  const { events, cursor, lastSeq } = await page({})
  expect(events.length).toBeGreaterThan(0)
  expect(events.filter(({ kind }) => kind === 'STEP_STREAM')).toEqual([])
  expect(cursor).toBe(lastSeq)
  expect(events.length).toBe(lastSeq - STREAMED.length)
  expect((await page({ kinds: ['STEP_STREAM'] })).events).toMatchObject(STREAMED)
  expect((await page({ kinds: null })).events).toEqual(events)
  const both = await page({ kinds: ['STEP_STREAM', 'JOB_COMPLETED'] })
  expect(both.events.map(({ kind }) => kind)).toEqual(['STEP_STREAM', 'STEP_STREAM', 'JOB_COMPLETED'])
  expect(both.cursor).toBe(lastSeq)
})

test('pages put together are the timeline, whatever is left out of each', async () => {
  const whole = (await page({})).events
  const parts: unknown[] = []
  for (let after = 0, hasMore = true; hasMore;) {
    const next = await page({ after, first: 2 })
    parts.push(...next.events)
    after = next.cursor
    hasMore = next.hasMore
  }
  expect(parts).toEqual(whole)
})

test('a subscription leaves them out as well, unless it asks for them', async () => {
  const timeline = await timelineOf(server, jobId)
  expect(timeline.map(({ seq }) => seq)).toEqual((await page({})).events.map(({ seq }) => seq))
  const socket = openWebSocket(server.url)
  const kinds: JobEventKind[] = []
  for await (const { data } of socket.subscribe(JOB_EVENTS, { jobId, kinds: ['STEP_STREAM'] })) {
    kinds.push(...(data?.jobEvents.events.map(({ kind }) => kind) ?? []))
    if (data?.jobEvents.caughtUp) expect(data.jobEvents.cursor).toBe(data.jobEvents.job.lastSeq)
  }
  expect(kinds).toEqual(['STEP_STREAM', 'STEP_STREAM'])
  await socket.close()
})

test('the library’s timeline is without them, too', async () => {
  const kinds = new Set<string>()
  const { jobs } = server.lume
  const job = await jobs.createWorkflowJob('somebody', {
    workflowId: 'inline',
    workflowDefinition: DEFINITION,
  })
  await jobs.startJob(job.id, null, {
    onProgress: (_id, _progress, timeline) => timeline.forEach(({ kind }) => kinds.add(kind)),
  })
  expect(kinds).toContain('STEP_COMPLETED')
  expect(kinds).not.toContain('STEP_STREAM')
})
