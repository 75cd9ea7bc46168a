import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { ExecutionResult } from 'graphql-ws'
import { graphql } from '../gql/index.ts'
import type { TypedDocumentString } from '../gql/graphql.ts'
import { startApiServer, type ApiServer } from '../support/api-server.ts'
import { start } from '../support/runs.ts'
import { countStatements } from '../support/statement-count.ts'
import { until } from '../support/until.ts'
import { openWebSocket } from '../support/web-socket-client.ts'
import { countWrites } from '../support/write-count.ts'

const SUBSCRIBERS = 20

const FOLLOW_JOB = graphql(`
  subscription FollowJob($jobId: ID!) {
    jobEvents(jobId: $jobId) {
      cursor
      events {
        kind
        seq
      }
      job {
        id
        type
        status
        progress
        priority
        currentStep
        completedNodes
        totalNodes
        lastSeq
        createdAt
        startedAt
        finishedAt
        result
        error {
          code
        }
      }
    }
  }
`)

const FOLLOW_WITH_RUN = graphql(`
  subscription FollowWithRun($jobId: ID!) {
    jobEvents(jobId: $jobId, kinds: [JOB_COMPLETED]) {
      events {
        seq
      }
      job {
        id
        status
        execution {
          id
          status
          output
          job {
            id
            lastSeq
          }
          steps(first: 5) {
            edges {
              node {
                path
                status
              }
            }
          }
        }
      }
    }
  }
`)

const JOB_AS_STORED = graphql(`
  query JobAsStored($id: ID!) {
    job(id: $id) {
      id
      type
      status
      progress
      priority
      currentStep
      completedNodes
      totalNodes
      lastSeq
      createdAt
      startedAt
      finishedAt
      result
      error {
        code
      }
    }
  }
`)

const JOBS_CHANGED = graphql(`
  subscription SharedJobsChanged {
    jobsChanged {
      id
      status
      lastSeq
      execution {
        id
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

/** Waits at its gate twice, and answers a value. */
function gated(name: string) {
  return {
    nodes: [
      { id: 'one', type: 'test.gate', config: { name: `${name} 1` } },
      { id: 'two', type: 'test.gate', config: { name: `${name} 2` } },
    ],
    edges: [{ source: 'one', target: 'two' }],
    output: { answer: 42 },
  }
}

test('events that are committed here reach all subscribers without a statement beside the journal’s', async () => {
  const { jobId } = await start(server, { definition: gated('no statement') })
  await server.gate('no statement 1').reached
  const { all, last, close } = await follow(FOLLOW_JOB, jobId)
  await until('all have what there is', () => all.every((results) => results.length > 0))
  const statements = countStatements()
  server.gate('no statement 1').open()
  await server.gate('no statement 2').reached
  server.gate('no statement 2').open()
  const ends = await last
  const sent = statements.take().filter((text) => !isOfWorker(text))
  statements.stop()
  expect(sent).toEqual([])
  const { job } = await server.client.ask(JOB_AS_STORED, { id: jobId })
  expect(job).toMatchObject({ status: 'COMPLETED', result: { answer: 42 } })
  for (const end of ends) expect(end.data?.jobEvents.job).toEqual(job)
  await close()
})

test('what only the database knows is read once for all subscribers with the same document, and is right', async () => {
  const { jobId, executionId } = await start(server, { definition: gated('read once') })
  await server.gate('read once 1').reached
  const { last, close } = await follow(FOLLOW_WITH_RUN, jobId)
  await until('all follow', () => server.lume.services.timelines.followers === SUBSCRIBERS)
  server.gate('read once 1').open()
  await server.gate('read once 2').reached
  const statements = countStatements()
  server.gate('read once 2').open()
  const ends = await last
  const sent = statements.take().filter((text) => !isOfWorker(text))
  statements.stop()
  expect(sent.length).toBeLessThan(SUBSCRIBERS / 2)
  const run = ends[0]?.data?.jobEvents.job.execution
  expect(run).toMatchObject({ id: executionId, status: 'COMPLETED', output: { answer: 42 } })
  expect(run?.job).toMatchObject({ id: jobId })
  expect(run?.steps.edges.map(({ node }) => node)).toEqual([
    { path: 'one', status: 'COMPLETED' },
    { path: 'two', status: 'COMPLETED' },
  ])
  for (const end of ends) expect(end.data).toEqual(ends[0]?.data)
  await close()
})

test('a change of a job is read once for all subscribers to the same list', async () => {
  const sockets = Array.from({ length: SUBSCRIBERS }, () => openWebSocket(server.url))
  const seen = sockets.map(() => new Map<string, string>())
  const following = sockets.map(async (socket, index) => {
    for await (const { data } of socket.subscribe(JOBS_CHANGED, {}))
      if (data) seen[index]?.set(data.jobsChanged.id, data.jobsChanged.status)
  })
  const first = await start(server, { definition: gated('a list') })
  await server.gate('a list 1').reached
  await until('all see the job', () => seen.every((jobs) => jobs.has(first.jobId)))
  const statements = countStatements()
  server.gate('a list 1').open()
  await server.gate('a list 2').reached
  server.gate('a list 2').open()
  await until('all see its end', () => seen.every((jobs) => jobs.get(first.jobId) === 'COMPLETED'))
  const sent = statements.take().filter((text) => !isOfWorker(text))
  statements.stop()
  expect(sent.length).toBeLessThan(SUBSCRIBERS)
  await Promise.all(sockets.map((socket) => socket.close()))
  await Promise.all(following)
})

test('results that belong to one commit leave in one write per connection', async () => {
  const { jobId } = await start(server, { definition: gated('one write') })
  await server.gate('one write 1').reached
  const socket = openWebSocket(server.url)
  const seen: number[] = []
  const subscriptions = Array.from({ length: 10 }, async () => {
    for await (const { data } of socket.subscribe(FOLLOW_JOB, { jobId }))
      seen.push(data?.jobEvents.cursor ?? 0)
  })
  await until('all have what there is', () => seen.length >= 10)
  const before = seen.length
  const writes = countWrites(server.port)
  server.gate('one write 1').open()
  await until('all see the next commit', () => seen.length >= before + 10)
  const written = writes.stop()
  // One commit ends the first step, and one starts the second.
  expect(written).toBeLessThanOrEqual(4)
  server.gate('one write 2').open()
  await Promise.all(subscriptions)
  await socket.close()
})

/** Statements that the worker sends whether or not someone watches. */
function isOfWorker(text: string): boolean {
  return /journal|WITH locked AS|lume_survey|lume_claim|wake_at|holder|pg_notify|schedule/i.test(text)
}

async function follow<Result>(
  document: TypedDocumentString<Result, { jobId: string | number }>,
  jobId: string,
) {
  const sockets = Array.from({ length: SUBSCRIBERS }, () => openWebSocket(server.url))
  const all = sockets.map(() => [] as ExecutionResult<Result>[])
  const last = Promise.all(
    sockets.map(async (socket, index) => {
      for await (const result of socket.subscribe(document, { jobId })) all[index]?.push(result)
      return all[index]?.at(-1) as ExecutionResult<Result>
    }),
  )
  const close = async () => void (await Promise.all(sockets.map((socket) => socket.close())))
  return { all, last, close }
}
