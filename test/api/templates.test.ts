import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { graphql } from '../gql/index.ts'
import type { CreateWorkflowFromTemplateInput } from '../gql/graphql.ts'
import { startApiServer, type ApiServer } from '../support/api-server.ts'
import { startHttpTarget, type HttpTarget } from '../support/http-target.ts'
import { runToEnd, start, timelineOf } from '../support/runs.ts'

const TEMPLATES = graphql(`
  query Templates($category: String, $id: ID!) {
    templates(category: $category) {
      id
      name
      description
      category
      parameters
      graph {
        nodes {
          id
          type
        }
      }
    }
    template(id: $id) {
      id
      definition
    }
  }
`)

const CREATE = graphql(`
  mutation CreateFromTemplate($input: CreateWorkflowFromTemplateInput!) {
    createWorkflowFromTemplate(input: $input) {
      __typename
      ... on CreateWorkflowFromTemplatePayload {
        workflow {
          name
          description
          tags
          definition
          publishedVersion {
            number
          }
        }
        diagnostics {
          code
        }
      }
      ... on InputInvalid {
        problems {
          pointer
          message
        }
      }
      ... on Error {
        code
        path
        message
      }
    }
  }
`)

const MAKE = graphql(`
  mutation MakeFromTemplate($input: CreateWorkflowFromTemplateInput!) {
    createWorkflowFromTemplate(input: $input) {
      __typename
      ... on CreateWorkflowFromTemplatePayload {
        workflow {
          id
        }
      }
    }
  }
`)

const SIMULATE = graphql(`
  mutation SimulateTemplate($workflowId: ID!, $input: JSON, $mocks: JSON) {
    simulateWorkflow(input: { workflowId: $workflowId, input: $input, mocks: $mocks }) {
      __typename
      ... on SimulateWorkflowPayload {
        status
        output
        error {
          code
          path
          message
        }
        diagnostics {
          code
        }
        unusedMocks
        callsOut {
          nodePath
          count
        }
        estimatedCostUsd
      }
      ... on Error {
        code
        message
      }
    }
  }
`)

const DECIDE = graphql(`
  mutation DecideOnTemplate($input: SignalExecutionInput!) {
    signalExecution(input: $input) {
      __typename
    }
  }
`)

const OUTPUT = graphql(`
  query OutputOfTemplate($id: ID!) {
    execution(id: $id) {
      status
      output
    }
  }
`)

let server: ApiServer
beforeAll(async () => {
  server = await startApiServer({ role: 'api' })
})
afterAll(async () => {
  expect(server.takeFaults()).toEqual([])
  await server.stop()
})

const create = async (input: CreateWorkflowFromTemplateInput) =>
  (await server.client.ask(CREATE, { input })).createWorkflowFromTemplate

describe('templates', () => {
  test('are listed by id, with what a form needs', async () => {
    const { templates, template } = await server.client.ask(TEMPLATES, { id: 'lead-filter' })
    expect(templates.map(({ id }) => id)).toEqual(
      expect.arrayContaining(['delayed-follow-up', 'lead-filter']),
    )
    const filter = templates.find(({ id }) => id === 'lead-filter')
    expect(filter).toMatchObject({
      category: 'Leads',
      parameters: { type: 'object', required: ['receiverUrl'] },
    })
    expect(filter?.graph.nodes.map(({ type }) => type)).toContain('api.http')
    expect(template).toMatchObject({ id: 'lead-filter', definition: { variables: {} } })
  })

  test('are filtered by category, and null where there is none', async () => {
    const { templates, template } = await server.client.ask(TEMPLATES, {
      category: 'Outreach',
      id: '../lead-filter',
    })
    expect(templates.every(({ category }) => category === 'Outreach')).toBe(true)
    expect(templates.length).toBeGreaterThan(0)
    expect(template).toBeNull()
  })
})

describe('createWorkflowFromTemplate', () => {
  const parameters = { receiverUrl: 'https://crm.example/leads', minimumScore: 70 }

  test('makes a workflow with the parameters in it, without a diagnostic', async () => {
    const made = await create({ templateId: 'lead-filter', name: 'Mine', tags: ['x'], parameters })
    expect(made).toMatchObject({
      __typename: 'CreateWorkflowFromTemplatePayload',
      workflow: {
        name: 'Mine',
        tags: ['x'],
        definition: {
          variables: { receiverUrl: 'https://crm.example/leads', minimumScore: 70, limit: 100 },
          nodes: [{ name: 'Score of 70 or more' }, {}, {}, {}],
        },
        publishedVersion: null,
      },
      diagnostics: [],
    })
  })

  test('takes name and description of the template, and publishes when asked to', async () => {
    expect(await create({ templateId: 'lead-filter', parameters, publish: true })).toMatchObject({
      workflow: { name: 'Filter leads and hand them over', publishedVersion: { number: 1 } },
    })
  })

  test('tells each parameter that does not fit, with its place', async () => {
    const unfit = { minimumScore: 'high', limit: 0 }
    expect(await create({ templateId: 'lead-filter', parameters: unfit })).toMatchObject({
      __typename: 'InputInvalid',
      path: ['input', 'parameters'],
      problems: expect.arrayContaining([
        { pointer: '', message: expect.stringContaining('receiverUrl') },
        { pointer: '/minimumScore', message: expect.stringContaining('number') },
        { pointer: '/limit', message: expect.stringContaining('1') },
      ]),
    })
  })

  test.each<[what: string, input: CreateWorkflowFromTemplateInput, code: string, path: readonly string[]]>([
    ['a template that is not there', { templateId: 'no-such' }, 'NOT_FOUND', ['input', 'templateId']],
    [
      'parameters that are no object',
      { templateId: 'lead-filter', parameters: [1] },
      'INVALID_ARGUMENT',
      ['input', 'parameters'],
    ],
    [
      'a name that is none',
      { templateId: 'lead-filter', parameters, name: ' ' },
      'INVALID_ARGUMENT',
      ['input', 'name'],
    ],
  ])('refuses %s', async (_what, input, code, path) => {
    expect(await create(input)).toMatchObject({ code, path })
  })
})

describe('a workflow from a template runs', () => {
  let target: HttpTarget
  let worker: ApiServer
  beforeAll(async () => {
    target = await startHttpTarget()
    worker = await startApiServer()
    worker.lume.allowOrigin(target.origin)
  })
  afterAll(async () => {
    await worker.stop()
    await target.close()
  })

  /** Makes the workflow, runs it, and gives its output and what the outside was sent. */
  async function run(templateId: string, parameters: object, input: object) {
    const { createWorkflowFromTemplate: made } = await worker.client.ask(MAKE, {
      input: { templateId, parameters, publish: true },
    })
    if (made.__typename !== 'CreateWorkflowFromTemplatePayload') throw new Error(made.__typename)
    const before = target.seen.length
    const { executionId } = await runToEnd(worker, { workflowId: made.workflow.id, input })
    const { execution } = await worker.client.ask(OUTPUT, { id: executionId })
    const sent = target.seen.slice(before).map(({ method, url, body }) => ({ method, url, body }))
    return { ...execution, sent }
  }
  const echo = () => `${target.origin}/echo`
  const status = (answered: boolean) => {
    const body = JSON.stringify({ answered })
    return `${target.origin}/answer?${new URLSearchParams({ type: 'application/json', body }).toString()}`
  }

  test('lead-filter: the good leads are posted once each, best first', async () => {
    const lead = (email: string, score: number) => ({ email, score })
    const leads = [lead('a@x.io', 60), lead('low@x.io', 10), lead(' B@x.io', 90), lead('b@x.io', 70)]
    const { status: ended, output, sent } = await run('lead-filter', { receiverUrl: echo() }, { leads })
    expect(ended).toBe('COMPLETED')
    expect(output).toEqual({ handedOver: 2, leftOut: 2 })
    expect(sent.map(({ method, url, body }) => [method, url, JSON.parse(body)])).toEqual([
      ['POST', '/echo', { leads: [lead('b@x.io', 90), lead('a@x.io', 60)] }],
    ])
  })

  test('lead-filter: nothing is posted when no lead is good enough', async () => {
    const leads = [{ email: 'low@x.io', score: 10 }]
    const { output, sent } = await run('lead-filter', { receiverUrl: echo() }, { leads })
    expect([output, sent]).toEqual([{ handedOver: 0, leftOut: 1 }, []])
  })

  test.each([false, true])('delayed-follow-up: with an answer %s', async (answered) => {
    const parameters = { statusUrl: status(answered), followUpUrl: echo(), wait: '1ms' }
    const input = { email: 'ada@x.io', name: 'Ada' }
    const { status: ended, output, sent } = await run('delayed-follow-up', parameters, input)
    expect(ended).toBe('COMPLETED')
    expect(output).toEqual({ email: 'ada@x.io', followedUp: !answered })
    const [asked, ...posted] = sent
    expect(asked?.url).toContain('email=ada%40x.io')
    const message = 'Hello Ada, did you find the time to look at our note?'
    expect(posted.map(({ body }) => JSON.parse(body))).toEqual(
      answered ? [] : [{ email: 'ada@x.io', message }],
    )
  })
})

describe('a workflow from a template', () => {
  interface Trial {
    readonly parameters: object
    readonly input?: object
    /** What the run waits for from a person, in demo mode; simulations have a sample of it. */
    readonly decision?: object
    readonly output: object
  }
  const url = 'https://crm.example/hook'
  const count = expect.any(Number) as unknown
  const TRIALS: Readonly<Record<string, Trial>> = {
    'audience-refresh': {
      parameters: { table: 'contacts', audienceId: '6008000000000' },
      output: { read: count, good: count, uploaded: count, skipped: 0 },
    },
    'delayed-follow-up': {
      parameters: { statusUrl: url, followUpUrl: url, wait: '1ms' },
      input: { email: 'ada@x.io', name: 'Ada' },
      output: { email: 'ada@x.io', followedUp: true },
    },
    'human-approved-outreach': {
      parameters: { offer: 'Route planning.', sender: 'Ada', senderUrl: url },
      input: { domain: 'acme.example' },
      decision: { approved: true, by: 'Grace' },
      output: { to: expect.any(String), sent: true, why: 'approved' },
    },
    'lead-enrichment': {
      parameters: { urls: ['acme', 'globex'], audienceId: '6008000000000', resultsPerPage: 3 },
      output: { posts: 6, unreadPages: [], people: count, failed: [], uploaded: count },
    },
    'lead-filter': {
      parameters: { receiverUrl: url },
      input: { leads: [{ email: 'ada@x.io', score: 80 }] },
      output: { handedOver: 1, leftOut: 0 },
    },
    'sentiment-digest': {
      parameters: { receiverUrl: url, about: 'the shoes' },
      input: { texts: ['Great!', 'Late again.', 'Great!', ' '] },
      output: { digest: { title: 'What people say', total: 2 }, unjudged: 0 },
    },
  }
  let worker: ApiServer
  beforeAll(async () => {
    worker = await startApiServer()
  })
  afterAll(async () => {
    expect(worker.takeFaults()).toEqual([])
    await worker.stop()
  })

  async function make(templateId: string): Promise<string> {
    const { createWorkflowFromTemplate: made } = await worker.client.ask(MAKE, {
      input: { templateId, parameters: TRIALS[templateId]?.parameters, publish: true },
    })
    if (made.__typename !== 'CreateWorkflowFromTemplatePayload') throw new Error(made.__typename)
    return made.workflow.id
  }

  async function simulated(templateId: string, mocks: object = {}) {
    const workflowId = await make(templateId)
    const input = TRIALS[templateId]?.input ?? null
    const { simulateWorkflow } = await worker.client.ask(SIMULATE, { workflowId, input, mocks })
    if (simulateWorkflow.__typename !== 'SimulateWorkflowPayload')
      throw new Error(JSON.stringify(simulateWorkflow))
    return simulateWorkflow
  }

  test('has a trial here, whatever the template', async () => {
    const { templates } = await worker.client.ask(TEMPLATES, { id: 'lead-filter' })
    expect(templates.map(({ id }) => id)).toEqual(Object.keys(TRIALS))
  })

  test.each(Object.entries(TRIALS))(
    '%s simulates to its end without a diagnostic but that secrets are not set',
    async (id, { output }) => {
      const { diagnostics, ...simulation } = await simulated(id)
      expect(diagnostics.filter(({ code }) => code !== 'SECRET_UNAVAILABLE')).toEqual([])
      expect(simulation).toMatchObject({ status: 'COMPLETED', error: null, unusedMocks: [], output })
    },
  )

  test.each(Object.entries(TRIALS))('%s runs to its end in demo mode', async (id, trial) => {
    const workflowId = await make(id)
    const { jobId, executionId } = await start(worker, { workflowId, input: trial.input, mode: 'DEMO' })
    if (trial.decision) {
      const input = { id: executionId, name: 'decision', payload: trial.decision }
      const { signalExecution } = await worker.client.ask(DECIDE, { input })
      expect(signalExecution.__typename).toBe('SignalExecutionPayload')
    }
    await timelineOf(worker, jobId)
    const { execution } = await worker.client.ask(OUTPUT, { id: executionId })
    expect(execution).toMatchObject({ status: 'COMPLETED', output: trial.output })
  })

  test.each<[what: string, mock: object, why: string, sent: boolean]>([
    ['declines', { output: { approved: false, by: 'Grace' } }, 'declined', false],
    ['does not answer in time', { timeout: true }, 'nobody decided', false],
    ['rewrites it', { output: { approved: true, by: 'Grace', message: 'Hi!' } }, 'approved', true],
  ])('human-approved-outreach when somebody %s', async (_what, decision, why, sent) => {
    const { output, callsOut } = await simulated('human-approved-outreach', { decision })
    expect(output).toMatchObject({ why, sent })
    expect(callsOut.some(({ nodePath }) => nodePath === 'send')).toBe(sent)
  })

  test.each<[what: string, mocks: object, output: object]>([
    [
      'whose answer of Apollo is lost is found by Hunter',
      { apollo: { error: { code: 'CALL_OUTCOME_UNKNOWN', message: 'lost', retryable: false } } },
      { failed: [], reachable: 2 },
    ],
    [
      'whom Apollo refuses is told, and holds up nobody else',
      { 'enrich[0]/apollo': { error: { code: 'PROVIDER_OUT_OF_CREDITS', message: 'none left' } } },
      { failed: [{ name: 'Ada Lovelace', error: { code: 'APOLLO_REFUSED' } }], reachable: 1 },
    ],
    [
      'whose address takes no mail is left out',
      {
        apollo: { output: { found: false, person: null } },
        verify: [
          { output: { email: 'a@x.io', status: 'invalid', score: 1, optedOut: false, details: null } },
        ],
      },
      { failed: [], reachable: 0, uploaded: 0 },
    ],
  ])('lead-enrichment: a person %s', async (_what, mocks, output) => {
    const contact = (name: string, domain: string) => ({
      name,
      role: null,
      organization: null,
      location: null,
      emails: [],
      phones: [],
      urls: ['https://www.instagram.com/x/', `https://www.${domain}/about`],
      handles: [],
      confidence: 0.9,
      itemIndex: 0,
    })
    const contacts = [
      contact('Ada Lovelace', 'lovelace.example'),
      contact('Grace Hopper', 'hopper.example'),
      contact('ada lovelace', 'other.example'),
    ]
    const found = await simulated('lead-enrichment', {
      contacts: { output: { results: [], failed: 0, contacts } },
      ...mocks,
    })
    expect(found).toMatchObject({ status: 'COMPLETED', unusedMocks: [], output: { people: 2, ...output } })
  })
})
