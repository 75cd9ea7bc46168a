import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { graphql } from '../gql/gql.ts'
import { Closers } from '../../src/lib/async/closers.ts'
import { createGraphqlClient } from '../support/graphql-client.ts'
import { startReceiver, type ReceiverServer } from '../support/receiver-server.ts'
import { startServerProcess, type ServerProcess } from '../support/server-process.ts'
import { uuidOf } from '../support/uuid-of.ts'
import { openWebSocket } from '../support/web-socket-client.ts'

const Start = graphql(`
  mutation StartLeads($definition: JSON!, $input: JSON!, $variables: JSON) {
    executeWorkflow(input: { definition: $definition, input: $input, variables: $variables }) {
      __typename
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
`)

const Watch = graphql(`
  subscription WatchLeads($jobId: ID!, $after: Int!) {
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
      }
      job {
        status
        result
      }
    }
  }
`)

const Timeline = graphql(`
  query LeadsTimeline($jobId: ID!) {
    job(id: $jobId) {
      status
      result
      events(first: 1000) {
        hasMore
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
        }
      }
    }
  }
`)

interface SeenEvent {
  readonly seq: number
  readonly kind: string
  readonly progress: number
  readonly path?: string
}

/** Slow enough that a kill falls into the middle of several batches. */
const RECEIVER_DELAY_MS = 400
/** The server is killed each time that so many items of the loop have ended. */
const KILL_AFTER_ITEMS = [2, 5, 8]

let closers: Closers
let dataDir: string
let receiver: ReceiverServer

beforeEach(async () => {
  closers = new Closers()
  dataDir = await mkdtemp(join(tmpdir(), 'lume-leads-'))
  closers.add(() => rm(dataDir, { recursive: true, force: true }))
  receiver = await startReceiver()
  closers.add(() => receiver.close())
})
afterEach(() => closers.close())

test('a run of 1,000 leads through three kill -9 ends as an unbroken one, and its subscriber misses and repeats nothing', async () => {
  let server = await startServer()
  const unbroken = await runToEnd(server, await startLeads(server, { receiverDelayMs: 0 }))

  const jobId = await startLeads(server, { receiverDelayMs: RECEIVER_DELAY_MS })
  const seen: SeenEvent[] = []
  for (const [kills, items] of KILL_AFTER_ITEMS.entries()) {
    const isContinued = () => recoveriesOf(seen) === kills && itemsOf(seen) >= items
    await follow(server, { jobId, seen, until: isContinued })
    await server.kill()
    server = await startServer()
  }
  await follow(server, { jobId, seen, until: () => seen.at(-1)?.kind === 'JOB_COMPLETED' })

  const job = (await createGraphqlClient(server.url).ask(Timeline, { jobId })).job
  expect(job?.status).toBe('COMPLETED')
  expect(job?.result).toEqual(unbroken)
  expect(job?.events.hasMore).toBe(false)
  // Missed nothing, repeated nothing: what the subscriber put together is the timeline, which has no gap.
  expect(seen).toEqual(job?.events.events)
  expect(seen.map(({ seq }) => seq)).toEqual(seen.map((_, i) => i + 1))
  expect(recoveriesOf(seen)).toBe(KILL_AFTER_ITEMS.length)

  const { batches } = unbroken as { batches: number }
  const sent = seen
    .filter(({ kind, path }) => kind === 'STEP_COMPLETED' && path?.endsWith('/send'))
    .map(({ path }) => path)
  expect(sent).toHaveLength(batches)
  expect(new Set(sent)).toEqual(new Set(Array.from({ length: batches }, (_, i) => `post[${i}]/send`)))
  // The summary throws when a key ever came with another body.
  const received = (await receiver.summary()).batches.filter(({ key }) => key.startsWith(uuidOf(jobId)))
  expect(received).toHaveLength(batches)
  expect(progressFalls(seen)).toEqual([])
}, 120_000)

function startServer(): Promise<ServerProcess> {
  return startServerProcess({ LUME_DATA_DIR: dataDir, LUME_ALLOW_PRIVATE_HOSTS: receiver.host }).then(
    (server) => {
      closers.add(() => server.kill())
      return server
    },
  )
}

async function startLeads(server: ServerProcess, variables: Record<string, unknown>): Promise<string> {
  const [definition, leads] = await Promise.all(
    ['workflow.json', 'leads.json'].map(
      async (file) => JSON.parse(await readFile(`examples/leads/${file}`, 'utf8')) as unknown,
    ),
  )
  const input = { leads, receiverUrl: receiver.url }
  const answer = await createGraphqlClient(server.url).ask(Start, { definition, input, variables })
  const started = answer.executeWorkflow
  if (started.__typename !== 'ExecuteWorkflowPayload') throw new Error(JSON.stringify(started))
  return started.job.id
}

async function runToEnd(server: ServerProcess, jobId: string): Promise<unknown> {
  const seen: SeenEvent[] = []
  await follow(server, { jobId, seen, until: () => seen.at(-1)?.kind === 'JOB_COMPLETED' })
  return (await createGraphqlClient(server.url).ask(Timeline, { jobId })).job?.result
}

/** Follows from where `seen` ends, until what was seen is enough. */
async function follow(
  server: ServerProcess,
  { jobId, seen, until }: { jobId: string; seen: SeenEvent[]; until: () => boolean },
): Promise<void> {
  const client = openWebSocket(server.url)
  try {
    for await (const { data, errors } of client.subscribe(Watch, { jobId, after: seen.at(-1)?.seq ?? 0 })) {
      if (errors) throw new Error(JSON.stringify(errors))
      seen.push(...(data?.jobEvents.events ?? []))
      if (until()) return
    }
  } finally {
    await client.close()
  }
  throw new Error(`the stream ended at ${JSON.stringify(seen.at(-1))}`)
}

function itemsOf(seen: readonly SeenEvent[]): number {
  return seen.filter(({ kind }) => kind === 'LOOP_ITEM_COMPLETED').length
}

function recoveriesOf(seen: readonly SeenEvent[]): number {
  return seen.filter(({ kind }) => kind === 'JOB_RECOVERED').length
}

function progressFalls(seen: readonly SeenEvent[]): SeenEvent[] {
  return seen.filter(({ progress }, i) => progress < (seen[i - 1]?.progress ?? 0))
}
