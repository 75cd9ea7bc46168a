import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { parse, validate } from 'graphql'
import { newSecretKeyText } from '../../src/access/secret-cipher.ts'
import { graphiqlTabs, type GraphiqlTab } from '../../src/http/graphiql/graphiql-tabs.ts'
import { schema } from '../../src/schema/schema.ts'
import { TypedDocumentString } from '../gql/graphql.ts'
import { graphql } from '../gql/index.ts'
import { startApiServer, type ApiServer } from '../support/api-server.ts'
import { timelineOf } from '../support/runs.ts'
import { until } from '../support/until.ts'
import { openWebSocket } from '../support/web-socket-client.ts'

/** What the editor shows of a line beside its buttons, in a window 1,400 pixels wide. */
const LINE_LENGTH = 57
const OPTIONS =
  /YogaGraphiQL\.renderYogaGraphiQL\([^{]*(?<options>\{.*\}),\s*\);\s*<\/script>\s*<\/body>\s*<\/html>\s*$/s

interface Started {
  readonly job: { readonly id: string }
  readonly execution: { readonly id: string }
}

let server: ApiServer
let tabs: ReadonlyMap<string, GraphiqlTab>
beforeAll(async () => {
  server = await startApiServer({ config: { secretKeys: [newSecretKeyText()] } })
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

/** What the button of a tab gives, with an id pasted where one is asked for. */
async function run(name: string, id?: string): Promise<unknown> {
  const { variables = '{}' } = tab(name)
  return ask(name, id === undefined ? variables : variables.replace(/paste the id of an? \w+ here/, id))
}

/** The same for a stored workflow, as the comment of the tab says. */
function runStored(name: string, workflowId: string): Promise<unknown> {
  const { definition, ...variables } = JSON.parse(tab(name).variables ?? '') as Record<string, unknown>
  expect(definition).toBeDefined()
  return ask(name, JSON.stringify({ workflowId, ...variables }))
}

async function deleteWorkflow(id: string): Promise<void> {
  const document = graphql(`
    mutation DeleteExample($id: ID!) {
      deleteWorkflow(input: { id: $id }) {
        __typename
      }
    }
  `)
  await server.client.ask(document, { id })
}

async function ask(name: string, pasted: string): Promise<unknown> {
  const { query } = tab(name)
  const { data, errors } = await server.client.post(
    `{"query":${JSON.stringify(query)},"variables":${pasted}}`,
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
      `localStorage.setItem('graphiql:variables', ${JSON.stringify(tab('Create').variables)})`,
    )
  })
})

describe('the tabs', () => {
  test('hold documents that fit the schema and the editor, and variables in plain ASCII', () => {
    expect([...tabs.keys()]).toEqual([
      'Create',
      'Validate',
      'Simulate',
      'Publish',
      'Execute',
      'Watch',
      'Result',
      'Cancel',
      'Retry',
      'Schedule',
      'Templates',
      'FromTemplate',
      'Leads',
      'Save',
      'Diff',
      'Approval',
      'Pause',
      'Resume',
      'Signal',
      'WatchAll',
      'Workflows',
      'Blocks',
      'TestBlock',
      'Search',
      'Secrets',
      'SetSecret',
    ])
    for (const { query, variables } of tabs.values()) {
      expect(validate(schema, parse(query))).toEqual([])
      expect(query).toMatch(/^# [A-Z]/)
      expect(query.split('\n').filter((line) => line.length > LINE_LENGTH)).toEqual([])
      expect(variables ?? '').toMatch(/^[\n -;=-~]*$/)
    }
  })

  test('run at the press of the button', async () => {
    expect(await run('Validate')).toMatchObject({
      validateWorkflow: { valid: false, diagnostics: [{ code: 'BLOCK_UNKNOWN' }, { code: 'NODE_UNKNOWN' }] },
    })
    expect(await run('Execute')).toMatchObject({
      executeWorkflow: { __typename: 'ExecuteWorkflowPayload', job: { id: expect.any(String) } },
    })
    expect(await run('Simulate')).toMatchObject({
      simulateWorkflow: { status: 'COMPLETED', output: 'HELLO ADA!' },
    })
    expect(await run('Templates')).toMatchObject({ templates: expect.arrayContaining([expect.anything()]) })
    expect(await run('Blocks')).toMatchObject({ blocks: expect.arrayContaining([expect.anything()]) })
    expect(await run('Result')).toEqual({ execution: null })
    expect(await run('Diff')).toEqual({ workflow: null })
    expect(await run('TestBlock')).toMatchObject({
      testBlock: { status: 'COMPLETED', output: { items: [{ score: 80 }], rejected: [{ score: 20 }] } },
    })
    expect(await run('SetSecret')).toMatchObject({ setSecret: { secret: { name: 'example' } } })
    expect(await run('Secrets')).toMatchObject({ secrets: [{ name: 'example', source: 'STORED' }] })
  })

  test('say so, and no more, when no id was pasted', async () => {
    for (const name of ['Publish', 'Save', 'Pause', 'Resume', 'Signal', 'Cancel', 'Retry', 'Schedule']) {
      expect(Object.values((await run(name)) as object)).toMatchObject([{ code: 'NOT_FOUND' }])
    }
  })

  test('run a stored workflow by the same documents: its id takes the place of the definition', async () => {
    const { createWorkflow } = (await run('Create')) as { createWorkflow: { workflow: { id: string } } }
    const { id } = createWorkflow.workflow
    expect(await runStored('Validate', id)).toMatchObject({
      validateWorkflow: { valid: true, diagnostics: [] },
    })
    expect(await runStored('Simulate', id)).toMatchObject({
      simulateWorkflow: { status: 'COMPLETED', output: 'HELLO ADA!' },
    })
    await run('Publish', id)
    expect(await runStored('Execute', id)).toMatchObject({
      executeWorkflow: { __typename: 'ExecuteWorkflowPayload' },
    })
    expect(await run('Schedule', id)).toMatchObject({
      createSchedule: { schedule: { nextRuns: expect.any(Array) }, diagnostics: [] },
    })
    await deleteWorkflow(id)
  })

  test('save a draft and show what has changed since it was published', async () => {
    const { createWorkflow } = (await run('Create')) as { createWorkflow: { workflow: { id: string } } }
    const { id } = createWorkflow.workflow
    await run('Publish', id)
    expect(await run('Save', id)).toMatchObject({
      updateWorkflow: { workflow: { id, revision: 2, hasUnpublishedChanges: true }, diagnostics: [] },
    })
    expect(await run('Diff', id)).toMatchObject({
      workflow: { diff: { isEmpty: false, nodes: [{ path: 'pause', kind: 'CHANGED' }], edges: [] } },
    })
    await deleteWorkflow(id)
  })

  test('create a job without a workflow', async () => {
    const { createJob } = (await run('Search')) as { createJob: { job: { id: string } } }
    expect((await timelineOf(server, createJob.job.id)).at(-1)?.kind).toBe('JOB_COMPLETED')
  })

  test('create, publish and list workflows', async () => {
    const { createWorkflow } = (await run('Create')) as { createWorkflow: { workflow: { id: string } } }
    expect(createWorkflow).toMatchObject({ workflow: { name: 'Greeting', revision: 1 }, diagnostics: [] })
    expect(await run('Publish', createWorkflow.workflow.id)).toMatchObject({
      publishWorkflow: { version: { number: 1 }, unchanged: false },
    })
    expect(await run('FromTemplate')).toMatchObject({
      createWorkflowFromTemplate: { workflow: { publishedVersion: { number: 1 } } },
    })
    expect(await run('Workflows')).toMatchObject({
      workflows: { totalCount: 2, edges: [expect.anything(), { node: { name: 'Greeting' } }] },
    })
  })

  test('steer a run: pause, resume, signal, result, retry, cancel', async () => {
    const { executeWorkflow } = (await run('Approval')) as { executeWorkflow: Started }
    const { id } = executeWorkflow.execution
    const isAt = (status: string) =>
      until(`the run is ${status}`, async () => {
        const { execution } = (await run('Result', id)) as { execution: { status: string } }
        return execution.status === status && execution
      })
    await isAt('WAITING')
    expect(await run('Pause', id)).toMatchObject({ pauseExecution: { execution: { id } } })
    await isAt('PAUSED')
    expect(await run('Resume', id)).toMatchObject({ resumeExecution: { execution: { id } } })
    await isAt('WAITING')
    expect(await run('Signal', id)).toMatchObject({ signalExecution: { deduplicated: false } })
    expect(await isAt('COMPLETED')).toMatchObject({ output: 'Hello Ada, said Grace' })

    const { retryExecution } = (await run('Retry', id)) as { retryExecution: Started }
    expect(retryExecution).toMatchObject({ execution: { retryOf: { id } } })
    expect(await run('Cancel', retryExecution.execution.id)).toMatchObject({
      cancelExecution: { __typename: 'CancelExecutionPayload' },
    })
    expect((await timelineOf(server, retryExecution.job.id)).at(-1)?.kind).toBe('JOB_CANCELED')
  })

  test.each(['Watch', 'WatchAll'])('%s follows a run live', async (name) => {
    const { executeWorkflow } = (await run('Approval')) as { executeWorkflow: Started }
    const { query, variables = '{}' } = tab(name)
    const document = new TypedDocumentString<unknown, Record<string, unknown>>(query)
    const pasted = variables.replace('paste the id of a job here', executeWorkflow.job.id)
    const socket = openWebSocket(server.url)
    const following = socket.subscribe(document, JSON.parse(pasted) as Record<string, unknown>)
    const { value } = await following.next()
    expect(value).not.toHaveProperty('errors')
    await following.return(undefined)
    await socket.close()
    await run('Cancel', executeWorkflow.execution.id)
    await timelineOf(server, executeWorkflow.job.id)
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
