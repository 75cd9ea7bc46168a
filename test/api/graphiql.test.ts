import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { parse, validate } from 'graphql'
import { graphiqlTabs, type GraphiqlTab } from '../../src/http/graphiql-tabs.ts'
import { schema } from '../../src/schema/index.ts'
import { graphql } from '../gql/index.ts'
import { startApiServer, type ApiServer } from '../support/api-server.ts'
import { timelineOf } from '../support/runs.ts'

/** What the editor shows of a line beside its buttons, in a window 1,400 pixels wide. */
const LINE_LENGTH = 57
const OPTIONS =
  /YogaGraphiQL\.renderYogaGraphiQL\([^{]*(?<options>\{.*\}),\s*\);\s*<\/script>\s*<\/body>\s*<\/html>\s*$/s

let server: ApiServer
let tabs: ReadonlyMap<string, GraphiqlTab>
beforeAll(async () => {
  server = await startApiServer()
  const list = await graphiqlTabs(server.origin)
  tabs = new Map(list.map((tab) => [/(?:query|mutation|subscription) (\w+)/.exec(tab.query)?.[1] ?? '', tab]))
})
afterAll(async () => {
  expect(server.takeFaults()).toEqual([])
  await server.stop()
})

function tab(name: string): GraphiqlTab {
  const found = tabs.get(name)
  if (!found) throw new Error(`there is no tab ${name}`)
  return found
}

/** What the button of a tab gives. */
async function run(name: string): Promise<unknown> {
  const { query, variables = '{}' } = tab(name)
  const { data, errors } = await server.client.post(
    `{"query":${JSON.stringify(query)},"variables":${variables}}`,
  )
  expect(errors).toEqual([])
  return data
}

describe('the page', () => {
  test('is whole: it loads nothing from anywhere, and no example ends its script', async () => {
    const response = await fetch(server.url, { headers: { accept: 'text/html' } })
    const page = await response.text()
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/html'])
    expect(page).toContain('<title>Lume</title>')
    expect(page).not.toMatch(/<(?:script|link|img|iframe)[^>]+(?:src|href)=["']?(?:https?:)?\/\//i)
    const options = JSON.parse(OPTIONS.exec(page)?.groups?.options ?? 'null') as {
      defaultTabs: GraphiqlTab[]
    }
    expect(options.defaultTabs.map(({ query }) => query)).toEqual(
      [...tabs.values()].map(({ query }) => query),
    )
  })

  test('is mended where GraphiQL has no option: JSON variables, and the first tab’s', async () => {
    const page = await (await fetch(server.url, { headers: { accept: 'text/html' } })).text()
    expect(page).toContain(String.raw`\"boolean\", \"integer\", \"object\", \"array\"]`)
    expect(page).not.toContain(String.raw`\"boolean\", \"integer\"]`)
    expect(page).toContain('<div id="root"></div><script>')
    expect(page).toContain(
      `localStorage.setItem('graphiql:variables', ${JSON.stringify(tab('Execute').variables)})`,
    )
  })
})

describe('the tabs', () => {
  test('hold documents that fit the schema and the editor, and variables in plain ASCII', () => {
    expect([...tabs.keys()]).toEqual([
      'Execute',
      'Watch',
      'Result',
      'Leads',
      'Validate',
      'Create',
      'Workflows',
      'Blocks',
    ])
    for (const { query, variables } of tabs.values()) {
      expect(validate(schema, parse(query))).toEqual([])
      expect(query).toMatch(/^# [A-Z]/)
      expect(query.split('\n').filter((line) => line.length > LINE_LENGTH)).toEqual([])
      expect(variables ?? '').toMatch(/^[\n -;=-~]*$/)
    }
  })

  test('run at the press of the button', async () => {
    expect(await run('Execute')).toMatchObject({
      executeWorkflow: { __typename: 'ExecuteWorkflowPayload', job: { id: expect.any(String) } },
    })
    expect(await run('Validate')).toMatchObject({
      validateWorkflow: { valid: false, diagnostics: [{ code: 'BLOCK_UNKNOWN' }, { code: 'NODE_UNKNOWN' }] },
    })
    expect(await run('Create')).toMatchObject({
      createWorkflow: { workflow: { name: 'Greeting', revision: 1 }, diagnostics: [] },
    })
    expect(await run('Workflows')).toMatchObject({
      workflows: { totalCount: 1, edges: [{ node: { name: 'Greeting' } }] },
    })
    expect(await run('Blocks')).toMatchObject({ blocks: expect.arrayContaining([expect.anything()]) })
    expect(await run('Result')).toEqual({ execution: null })
  })

  test('send the thousand leads to this server’s own receiver', async () => {
    const { executeWorkflow } = (await run('Leads')) as {
      executeWorkflow: { job: { id: string }; execution: { id: string } }
    }
    expect((await timelineOf(server, executeWorkflow.job.id)).at(-1)?.kind).toBe('JOB_COMPLETED')
    const { execution } = await server.client.ask(
      graphql(`
        query ResultOfLeads($id: ID!) {
          execution(id: $id) {
            output
          }
        }
      `),
      executeWorkflow.execution,
    )
    const received = (await (await fetch(`${server.origin}/examples/receiver`)).json()) as { leads: number }
    expect(received.leads).toBeGreaterThan(0)
    expect(execution?.output).toMatchObject({ leads: 1_000, posted: received.leads, failedBatches: [] })
  })
})
