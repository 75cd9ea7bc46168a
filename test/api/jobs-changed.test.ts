import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { graphql } from '../gql/index.ts'
import type { JobFilter, JobsChangedSubscription } from '../gql/graphql.ts'
import { startApiServer, type ApiServer } from '../support/api-server.ts'
import { gated, SIMPLE } from '../support/definitions.ts'
import { openEventStream } from '../support/event-stream.ts'
import { runToEnd, start } from '../support/runs.ts'
import { until } from '../support/until.ts'
import { openWebSocket } from '../support/web-socket-client.ts'

const JOBS_CHANGED = graphql(`
  subscription JobsChanged($filter: JobFilter) {
    jobsChanged(filter: $filter) {
      id
      status
      lastSeq
      execution {
        steps(first: 5) {
          edges {
            node {
              path
              output
            }
          }
        }
      }
    }
  }
`)

type Change = JobsChangedSubscription['jobsChanged']

let server: ApiServer
beforeAll(async () => {
  server = await startApiServer()
})
afterAll(async () => {
  expect(server.takeFaults()).toEqual([])
  await server.stop()
})

/** Gathers what is told of jobs until it is left. */
async function watchJobs(transport: 'WS' | 'SSE', filter: Parameters<typeof overWebSocket>[0] = null) {
  const { results, leave } = await (transport === 'WS' ? overWebSocket(filter) : overSse(filter))
  const seen: Change[] = []
  let hasLeft = false
  const ended = (async () => {
    try {
      for await (const { data, errors } of results) {
        if (!data) throw new Error(JSON.stringify(errors))
        seen.push(data.jobsChanged)
      }
    } catch (fault) {
      if (!hasLeft) throw fault
    }
  })()
  return {
    seen,
    of: (jobId: string) => seen.filter(({ id }) => id === jobId),
    leave: async () => {
      hasLeft = true
      leave()
      await ended
    },
  }
}

async function overWebSocket(filter: JobFilter | null) {
  const socket = openWebSocket(server.url)
  const results = socket.subscribe(JOBS_CHANGED, { filter })
  return { results, leave: () => void results.return(undefined).then(() => socket.close()) }
}

async function overSse(filter: JobFilter | null) {
  const { results, cut } = await openEventStream(server.url, 'POST', JOBS_CHANGED, { filter })
  return { results, leave: cut }
}

test.each(['WS', 'SSE'] as const)(
  'over %s, a job appears, changes, and is told in its last state',
  async (transport) => {
    const jobs = await watchJobs(transport)
    const run = await start(server, { definition: gated(`changed ${transport}`) })
    await until('the run stands at its gate, and is told', () =>
      jobs.of(run.jobId).some(({ status }) => status === 'RUNNING'),
    )
    server.gate(`changed ${transport}`).open()
    const last = await until('its end is told', () =>
      jobs.of(run.jobId).find(({ status }) => status === 'COMPLETED'),
    )
    // What was read for earlier results is read anew for the last one.
    expect(last.execution.steps.edges.map(({ node }) => node)).toEqual([
      { path: 'before', output: 'before' },
      { path: 'gate', output: 'before' },
      { path: 'after', output: 'before and after' },
    ])
    const numbers = jobs.of(run.jobId).map(({ lastSeq }) => lastSeq)
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
    expect(new Set(numbers).size).toBe(numbers.length)
    await jobs.leave()
  },
)

test('a job that only waits for its time is told as soon as it is accepted', async () => {
  const jobs = await watchJobs('WS')
  const { jobId } = await start(server, {
    definition: SIMPLE,
    runAt: new Date(Date.now() + 3_600_000).toISOString(),
  })
  await until('it is told', () => jobs.of(jobId).some(({ status }) => status === 'QUEUED'))
  await jobs.leave()
})

test('a filter leaves jobs out', async () => {
  const jobs = await watchJobs('WS', { tags: ['wanted'] })
  const other = await runToEnd(server, { definition: SIMPLE })
  const wanted = await runToEnd(server, { definition: SIMPLE, tags: ['wanted'] })
  await until('the wanted one is told', () =>
    jobs.of(wanted.jobId).some(({ status }) => status === 'COMPLETED'),
  )
  expect(jobs.of(other.jobId)).toEqual([])
  await jobs.leave()
})

test('a filter by mode leaves jobs of other modes out', async () => {
  const jobs = await watchJobs('WS', { mode: ['TEST'] })
  const other = await runToEnd(server, { definition: SIMPLE })
  const wanted = await runToEnd(server, { definition: SIMPLE, mode: 'TEST' })
  await until('the wanted one is told', () =>
    jobs.of(wanted.jobId).some(({ status }) => status === 'COMPLETED'),
  )
  expect(jobs.of(other.jobId)).toEqual([])
  await jobs.leave()
})

test('who begins after a change of a moment ago is told of it', async () => {
  const { jobId } = await runToEnd(server, { definition: SIMPLE })
  const jobs = await watchJobs('SSE')
  await until('it is told', () => jobs.of(jobId).some(({ status }) => status === 'COMPLETED'))
  await jobs.leave()
})
