import type { BenchPageQuery } from '../../test/gql/graphql.ts'
import { graphql } from '../../test/gql/index.ts'
import { medians, type Figures } from '../measure/figures.ts'
import { inFlight } from '../measure/in-flight.ts'
import { percentile } from '../measure/samples.ts'
import { createHttpPoster, type HttpPoster } from '../systems/http-post.ts'
import { definitionOf, type Lume } from '../systems/lume.ts'
import { storeRuns } from '../systems/stored-runs.ts'
import { chainOf } from '../systems/system.ts'
import { warmUp } from '../systems/systems.ts'
import type { Workload } from './workload.ts'

const WORKFLOWS = 100
const REQUEST_WIDTH = 16
const PAGES = 100

const CONSTANT = `{ __typename }`
const WORKFLOW = graphql(`
  query BenchWorkflow($id: ID!) {
    workflow(id: $id) {
      id
      name
    }
  }
`).toString()
const PAGE = graphql(`
  query BenchPage($after: String) {
    executions(first: 50, after: $after) {
      edges {
        node {
          id
          status
          progress
          startedAt
          finishedAt
        }
      }
      pageInfo {
        endCursor
      }
    }
  }
`)
const TOTAL = graphql(`
  query BenchTotal {
    executions(first: 1) {
      totalCount
    }
  }
`)

export const million: Workload = {
  title: 'W8: 1,000,000 executions: one workflow by id against a constant, pages of 50, totalCount',
  needsServer: true,
  async run({ systems: { startLume }, sizes }) {
    const lume = await startLume()
    const poster = createHttpPoster(lume.url)
    try {
      if (lume.database === null) throw new Error('W8 needs a Postgres server')
      const workflowIds: string[] = []
      for (let index = 0; index < WORKFLOWS; index++)
        workflowIds.push(await lume.createWorkflow(definitionOf(chainOf(1), 'bench.noop')))
      await storeRuns(lume.database, sizes.rows)
      await warmUp([lume], sizes.warmUp)
      const requests = sizes.scaled(3_000)
      const rounds: Figures[] = []
      for (let round = 0; round <= sizes.rounds; round++) {
        const constant = await requestRate(poster, requests, () => ({ query: CONSTANT }))
        const workflow = await requestRate(poster, requests, (index) => ({
          query: WORKFLOW,
          variables: { id: workflowIds[index % WORKFLOWS] },
        }))
        rounds.push({
          constantPerSecond: constant,
          workflowPerSecond: workflow,
          workflowShareOfConstant: workflow / constant,
          ...(await pageLatencies(lume)),
          totalCountMs: await totalCountMs(lume),
          rssMb: await lume.rssMb(),
        })
      }
      const { workflowShareOfConstant = null, ...figures } = medians(rounds.slice(1))
      return { rows: [['lume', { executions: sizes.rows, ...figures }]], ratios: { workflowShareOfConstant } }
    } finally {
      poster.close()
      await lume.close()
    }
  },
}

/** Requests per second over connections that stay open. */
async function requestRate(
  poster: HttpPoster,
  count: number,
  request: (index: number) => object,
): Promise<number> {
  const startedAt = performance.now()
  await inFlight(count, REQUEST_WIDTH, async (index) => {
    const answer = await poster.post(JSON.stringify(request(index)))
    if (!answer.startsWith('{"data":') || answer.includes('"workflow":null'))
      throw new Error(`the server answers ${answer.slice(0, 500)}`)
  })
  return (count * 1_000) / (performance.now() - startedAt)
}

/** Walks through the newest executions, page by page. */
async function pageLatencies({ graphql: client }: Lume): Promise<Figures> {
  const latencies: number[] = []
  let after: string | null = null
  for (let page = 0; page < PAGES; page++) {
    const from = performance.now()
    const { executions }: BenchPageQuery = await client.ask(PAGE, { after })
    latencies.push(performance.now() - from)
    after = executions.pageInfo.endCursor
    if (executions.edges.length < 50) break
  }
  return { pageP50Ms: percentile(latencies, 0.5), pageP95Ms: percentile(latencies, 0.95) }
}

async function totalCountMs({ graphql: client }: Lume): Promise<number> {
  const from = performance.now()
  await client.ask(TOTAL, {})
  return performance.now() - from
}
