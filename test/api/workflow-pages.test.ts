import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { graphql } from '../gql/index.ts'
import { startApiServer, type ApiServer } from '../support/api-server.ts'
import { SIMPLE } from '../support/definitions.ts'
import { countStatements } from '../support/statement-count.ts'

const CREATE = graphql(`
  mutation CreateForPage($name: String!, $definition: JSON!) {
    createWorkflow(input: { name: $name, definition: $definition, publish: true }) {
      __typename
      ... on CreateWorkflowPayload {
        workflow {
          id
        }
      }
    }
  }
`)

const RUN = graphql(`
  mutation RunForPage($id: ID!) {
    executeWorkflow(input: { workflowId: $id }) {
      __typename
    }
  }
`)

const FULL_PAGE = graphql(`
  query FullPageOfWorkflows($first: Int!) {
    workflows(first: $first, orderBy: { field: UPDATED_AT }) {
      edges {
        node {
          id
          name
          publishedVersion {
            number
          }
          versions(first: 3) {
            edges {
              node {
                number
                note
              }
            }
          }
          lastExecution {
            id
            status
            job {
              progress
            }
            version {
              number
            }
          }
          executions(first: 2) {
            edges {
              node {
                id
                status
              }
            }
          }
          stats {
            total
            p50DurationMs
            p95DurationMs
            lastRunAt
            countByStatus {
              status
              count
            }
          }
        }
      }
    }
  }
`)

const LISTS = graphql(`
  query PlainLists {
    workflows(first: 50) {
      edges {
        node {
          name
          tags
        }
      }
    }
    executions(first: 50) {
      edges {
        node {
          status
          tags
          mode
        }
      }
    }
    jobs(first: 50) {
      edges {
        node {
          status
          progress
        }
      }
    }
  }
`)

const STATS = graphql(`
  query AllStats($type: [JobType!], $days: Int) {
    jobStats(type: $type, days: $days) {
      total
      lastRunAt
      countByStatus {
        status
        count
      }
    }
  }
`)

// No worker: nothing but the requests speaks to the database.
let server: ApiServer
beforeAll(async () => {
  server = await startApiServer({ role: 'api' })
  for (let index = 0; index < 50; index++) {
    const name = `Workflow ${index}`
    const { createWorkflow } = await server.client.ask(CREATE, { name, definition: SIMPLE })
    if (createWorkflow.__typename !== 'CreateWorkflowPayload') throw new Error(createWorkflow.__typename)
    for (let run = 0; run < index % 3; run++) await server.client.ask(RUN, { id: createWorkflow.workflow.id })
  }
})
afterAll(async () => {
  expect(server.takeFaults()).toEqual([])
  await server.stop()
})

async function statementsOf(ask: () => Promise<unknown>): Promise<readonly string[]> {
  const count = countStatements()
  try {
    await ask()
    return count.take()
  } finally {
    count.stop()
  }
}

describe('a page of 50 workflows', () => {
  test('with newest version, versions, last execution, executions and statistics is a handful of statements', async () => {
    const page = async (first: number) => (await server.client.ask(FULL_PAGE, { first })).workflows.edges
    const shown = await page(50)
    expect(shown).toHaveLength(50)
    for (const { node } of shown) {
      const runs = Number(node.name.split(' ')[1]) % 3
      expect(node.publishedVersion).toEqual({ number: 1 })
      expect(node.versions.edges).toEqual([{ node: { number: 1, note: '' } }])
      expect(node.executions.edges).toHaveLength(runs)
      expect(node.lastExecution?.id ?? null).toBe(node.executions.edges[0]?.node.id ?? null)
      expect(node.stats).toMatchObject({
        total: runs,
        countByStatus: runs === 0 ? [] : [{ status: 'QUEUED', count: runs }],
        p50DurationMs: null,
        lastRunAt: runs === 0 ? null : expect.any(String),
      })
    }
    const few = await statementsOf(() => page(3))
    const many = await statementsOf(() => page(50))
    expect(many.length).toBeGreaterThan(5)
    expect(many.length).toBeLessThanOrEqual(16)
    // Not one more for one more workflow.
    expect(many).toHaveLength(few.length)
  })

  test('reads no drafts, definitions, inputs and outputs when they are not asked for', async () => {
    const statements = await statementsOf(() => server.client.ask(LISTS, {}))
    expect(statements.length).toBeGreaterThan(0)
    const read = statements.join('\n')
    for (const column of ['draft', 'body', 'metadata', 'input', 'variables', 'output'])
      expect(read).not.toMatch(new RegExp(`\\b${column}\\b`))
  })
})

test('statistics of all jobs add up', async () => {
  const expected = Array.from({ length: 50 }, (_, index) => index % 3).reduce((sum, runs) => sum + runs, 0)
  const { jobStats } = await server.client.ask(STATS, {})
  expect(jobStats).toEqual({
    total: expected,
    lastRunAt: expect.any(String),
    countByStatus: [{ status: 'QUEUED', count: expected }],
  })
  const none = await server.client.ask(STATS, { type: ['SEARCH'] })
  expect(none.jobStats).toEqual({ total: 0, lastRunAt: null, countByStatus: [] })
  expect((await server.client.ask(STATS, { days: 1 })).jobStats.total).toBe(expected)
  const { errors } = await server.client.send(STATS, { days: 0 })
  expect(errors).toEqual([expect.objectContaining({ extensions: { code: 'BAD_USER_INPUT' } })])
})
