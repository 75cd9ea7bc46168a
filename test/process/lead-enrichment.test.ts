import { createHash } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import type pg from 'pg'
import { Closers } from '../../src/lib/async/closers.ts'
import type { JsonObject } from '../../src/lib/json/json.ts'
import { graphql } from '../gql/gql.ts'
import type { LeadStoryQuery } from '../gql/graphql.ts'
import { openPool } from '../support/database.ts'
import { createGraphqlClient } from '../support/graphql-client.ts'
import { startPostgres } from '../support/postgres-server.ts'
import {
  ACTOR_COST_USD,
  startLeadWorld,
  type LeadPerson,
  type LeadWorld,
} from '../support/providers/lead-world.ts'
import { askedItems } from '../support/providers/openrouter-server.ts'
import type { ProviderServer, SeenCall } from '../support/providers/provider-server.ts'
import { recordOf } from '../support/recorded.ts'
import { startServerProcess, type ServerProcess } from '../support/server-process.ts'
import { uuidOf } from '../support/uuid-of.ts'
import { openWebSocket } from '../support/web-socket-client.ts'

const MakeLeads = graphql(`
  mutation MakeLeadEnrichment($parameters: JSON!) {
    createWorkflowFromTemplate(
      input: { templateId: "lead-enrichment", parameters: $parameters, publish: true }
    ) {
      __typename
      ... on CreateWorkflowFromTemplatePayload {
        workflow {
          id
          definition
        }
        diagnostics {
          code
          message
          pointer
        }
      }
    }
  }
`)

const StartLeads = graphql(`
  mutation StartLeadEnrichment($workflowId: ID!) {
    executeWorkflow(input: { workflowId: $workflowId }) {
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

const LeadsEnd = graphql(`
  subscription LeadEnrichmentEnd($jobId: ID!) {
    jobEvents(jobId: $jobId, kinds: [JOB_COMPLETED, JOB_FAILED, JOB_CANCELED]) {
      events {
        kind
      }
    }
  }
`)

const LeadStory = graphql(`
  query LeadStory($jobId: ID!, $after: Int!) {
    job(id: $jobId) {
      status
      result
      progress
      execution {
        costUsd
        error {
          code
          message
          path
        }
      }
      events(after: $after, first: 1000) {
        hasMore
        events {
          seq
          at
          kind
          progress
          ... on StepEvent {
            path
            nodeId
            attempt
          }
          ... on StepCompletedEvent {
            handles
            usage {
              costUsd
              quantities
            }
          }
          ... on StepFailedEvent {
            handledBy
            error {
              code
              message
            }
          }
          ... on StepRetryingEvent {
            error {
              code
              message
            }
          }
          ... on StepLogEvent {
            message
          }
          ... on StepProgressEvent {
            message
          }
          ... on LoopItemCompletedEvent {
            path
          }
          ... on LoopItemFailedEvent {
            path
            error {
              code
              message
            }
          }
          ... on JobRecoveredEvent {
            recoveries
          }
          ... on JobFailedEvent {
            error {
              code
              message
              path
            }
          }
        }
      }
    }
  }
`)

type Job = NonNullable<LeadStoryQuery['job']>
type StoryEvent = Job['events']['events'][number]

const LEADS = 500
/** Short, so that a job is soon taken up again; long enough for a machine that is busy. */
const LEASE_MS = 4_000
const CHAT = '/api/v1/chat/completions'
const MATCH = '/api/v1/people/match'
const FIND = '/v2/email-finder'
const VERIFY = '/v2/email-verifier'
const USERS = /\/users$/
const RUNS = /\/runs$/

let closers: Closers
let world: LeadWorld
let pool: pg.Pool
let databaseUrl: string

beforeEach(async () => {
  closers = new Closers()
  const postgres = await startPostgres()
  closers.add(() => postgres.stop())
  databaseUrl = postgres.url
  pool = openPool(databaseUrl)
  closers.add(() => pool.end())
  world = await startLeadWorld(LEADS)
  closers.add(() => world.close())
})
afterEach(() => closers.close())

/** The server is killed when so many calls to a provider have come in and the next ones are under way. */
interface Cut {
  readonly provider: ProviderServer
  readonly path: string | RegExp
  readonly after: number
  readonly underWay: number
}

/** What stood in the database, and in the ledgers, when nothing ran. */
interface Cutting {
  readonly recorded: ReadonlySet<string>
  readonly called: readonly string[]
}

test('lead enrichment takes 500 leads through three kill -9 and makes no call again whose result is recorded', async () => {
  let server = await startServer()
  const { workflowId, names } = await makeWorkflow(server)
  const jobId = await start(server, workflowId)
  const cuts: readonly Cut[] = [
    { provider: world.openrouter, path: CHAT, after: 12, underWay: 4 },
    { provider: world.apollo, path: MATCH, after: 200, underWay: 10 },
    { provider: world.meta, path: USERS, after: 0, underWay: 1 },
  ]
  const cuttings: Cutting[] = []
  for (const cut of cuts) {
    const release = await hold(cut)
    await server.kill()
    cuttings.push({ recorded: await readRecorded(jobId), called: ledger() })
    release()
    server = await startServer()
  }
  await followToEnd(server, jobId)
  const { job, events } = await readJob(server, jobId)
  try {
    expectEnd(job)
    expectCosts(job, events)
    expectNoSecondCalls(cuttings)
    expectTimeline(events, cuts)
  } catch (failure) {
    if (failure instanceof Error) failure.message += `\n\nWhat happened:\n${story(events, names)}`
    throw failure
  }
}, 180_000)

function expectEnd({ status, result, execution }: Job): void {
  const reachable = world.people.filter(({ isReachable }) => isReachable)
  const good = reachable.filter(({ interest }) => interest >= 0.6)
  expect(execution.error).toBeNull()
  expect(status).toBe('COMPLETED')
  expect(result).toEqual({
    posts: LEADS,
    unreadPages: [],
    people: LEADS,
    failed: [],
    reachable: reachable.length,
    good: good.length,
    uploaded: good.length,
  })
  const members = world.meta.members(world.audienceId).map(([email = '']) => email)
  expect(inOrder(members)).toEqual(inOrder(good.map(({ email }) => sha256(email))))
  expect(world.apify.runs).toHaveLength(1)
}

/** What an attempt had paid for when it was killed counts, too, although no event of its end tells it. */
function expectCosts({ execution }: Job, events: readonly StoryEvent[]): void {
  const told = events.flatMap((event) => ('usage' in event ? [event.usage?.costUsd ?? 0] : []))
  expect(told).toContain(ACTOR_COST_USD)
  const sum = told.reduce((all, one) => all + one, 0)
  expect(execution.costUsd).toBeGreaterThan(sum)
  expect(execution.costUsd).toBeLessThan(2 * sum)
}

function expectNoSecondCalls(cuttings: readonly Cutting[]): void {
  const all = ledger()
  for (const { recorded, called } of cuttings) {
    expect(recorded.size).toBeGreaterThan(0)
    const madeAfter = subtract(all, called)
    expect(madeAfter.filter((call) => recorded.has(call))).toEqual([])
  }
  // What was under way at a kill follows its node's choice: batches and the upload again, Apollo never.
  const repeated = all.filter((call, i) => all.indexOf(call) !== i)
  const underWay = (cutting: Cutting | undefined) =>
    cutting ? cutting.called.filter((call) => !cutting.recorded.has(call)) : []
  const [inContacts, , inUpload] = cuttings
  expect(inOrder(repeated)).toEqual(inOrder([...underWay(inContacts), ...underWay(inUpload)]))
  expect(repeated).toHaveLength(5)
}

function expectTimeline(events: readonly StoryEvent[], cuts: readonly Cut[]): void {
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i + 1))
  expect(events.filter(({ kind }) => kind === 'JOB_RECOVERED')).toHaveLength(cuts.length)
  expect(events.filter(({ progress }, i) => progress < (events[i - 1]?.progress ?? 0))).toEqual([])
  const lost = events.filter((one) => one.kind === 'STEP_FAILED' && pathOf(one)?.endsWith('/apollo'))
  expect(lost).toHaveLength(10)
  for (const event of lost)
    expect(event).toMatchObject({ handledBy: 'ROUTE', error: { code: 'CALL_OUTCOME_UNKNOWN' } })
  const text = JSON.stringify(events)
  for (const [name, value] of Object.entries(world.environment)) {
    if (/KEY|TOKEN/.test(name)) expect([name, text.includes(value)]).toEqual([name, false])
  }
}

/** Lets that many calls through and resolves when the next ones are under way; gives what lets them go on. */
async function hold({ provider, path, after, underWay }: Cut): Promise<() => void> {
  await provider.received(path, after)
  const before = provider.callsTo(path).length
  const gates = Array.from({ length: underWay }, () => provider.holdNext(path))
  await provider.received(path, before + underWay)
  return () => gates.forEach((gate) => gate.open())
}

function startServer(): Promise<ServerProcess> {
  const environment = {
    ...world.environment,
    DATABASE_URL: databaseUrl,
    LUME_LEASE_MS: String(LEASE_MS),
    LUME_SECRET_KEY: Buffer.alloc(32, 7).toString('base64'),
  }
  return startServerProcess(environment).then((server) => {
    closers.add(() => server.kill())
    return server
  })
}

async function makeWorkflow(
  server: ServerProcess,
): Promise<{ workflowId: string; names: ReadonlyMap<string, string> }> {
  const urls = Array.from({ length: LEADS / 25 }, (_, i) => `https://www.instagram.com/page${i}/`)
  const parameters = {
    urls,
    audienceId: world.audienceId,
    resultsPerPage: 25,
    interests: ['trail running', 'cycling'],
  }
  const { createWorkflowFromTemplate: made } = await createGraphqlClient(server.url).ask(MakeLeads, {
    parameters,
  })
  if (made.__typename !== 'CreateWorkflowFromTemplatePayload') throw new Error(made.__typename)
  expect(made.diagnostics).toEqual([])
  return { workflowId: made.workflow.id, names: namesIn(made.workflow.definition as Graph) }
}

async function start(server: ServerProcess, workflowId: string): Promise<string> {
  const { executeWorkflow: started } = await createGraphqlClient(server.url).ask(StartLeads, { workflowId })
  if (started.__typename !== 'ExecuteWorkflowPayload') throw new Error(JSON.stringify(started))
  return started.job.id
}

async function followToEnd(server: ServerProcess, jobId: string): Promise<void> {
  const client = openWebSocket(server.url)
  try {
    for await (const { data, errors } of client.subscribe(LeadsEnd, { jobId })) {
      if (errors) throw new Error(JSON.stringify(errors))
      if (data && data.jobEvents.events.length > 0) return
    }
  } finally {
    await client.close()
  }
}

async function readJob(
  server: ServerProcess,
  jobId: string,
): Promise<{ job: Job; events: readonly StoryEvent[] }> {
  const client = createGraphqlClient(server.url)
  const events: StoryEvent[] = []
  for (;;) {
    const { job } = await client.ask(LeadStory, { jobId, after: events.length })
    if (!job) throw new Error('there is no such job')
    events.push(...job.events.events)
    if (!job.events.hasMore) return { job, events }
  }
}

// Every call has a name: that of its step, or of its part of a step. Recorded calls and ledgers speak of them alike.

const CALLING_NODES = ['scrape', 'apollo', 'find', 'verify', 'upload']

async function readRecorded(jobId: string): Promise<ReadonlySet<string>> {
  const { steps, checkpoints } = await recordOf(pool, uuidOf(jobId))
  const names = steps.flatMap(({ path, status, nodeId }) =>
    ['COMPLETED', 'FAILED'].includes(status) && CALLING_NODES.includes(nodeId) ? path : [],
  )
  const parts = checkpoints.flatMap(({ path, key, value }) => {
    if (key === 'run') return path
    const { state } = value as { readonly state?: string }
    return state === 'done' || state === 'packed' ? `${path} ${key}` : []
  })
  return new Set([...names, ...parts])
}

/** All calls so far that cost or change something. */
function ledger(): readonly string[] {
  const reachable = world.people.filter(({ isReachable }) => isReachable)
  const placeOf = (people: readonly LeadPerson[], is: (person: LeadPerson) => boolean) => people.findIndex(is)
  const ofPerson = (node: string, is: (person: LeadPerson) => boolean) =>
    `enrich[${placeOf(world.people, is)}]/${node}`
  const batch = ({ body, json }: SeenCall) => {
    const items = askedItems(json as JsonObject)
    const isContacts = body.includes('ai_contact')
    const domain = domainIn(JSON.stringify(items[0]?.item))
    const first = placeOf(isContacts ? world.people : reachable, (person) => person.domain === domain)
    return `${isContacts ? 'contacts' : 'interests'} items ${first}-${first + items.length - 1}`
  }
  return [
    ...world.apify.callsTo(RUNS, 'POST').map(() => 'scrape'),
    ...world.openrouter.callsTo(CHAT).map(batch),
    ...world.apollo
      .callsTo(MATCH)
      .map(({ json }) => ofPerson('apollo', ({ domain }) => domain === (json as JsonObject)['domain'])),
    ...world.hunter
      .callsTo(FIND)
      .map(({ query }) => ofPerson('find', ({ domain }) => domain === query.get('domain'))),
    ...world.hunter
      .callsTo(VERIFY)
      .map(({ query }) => ofPerson('verify', ({ email }) => email === query.get('email'))),
    ...world.meta.callsTo(USERS).map(() => 'upload'),
  ]
}

function domainIn(text: string): string {
  const [domain] = /company\d+\.example/.exec(text) ?? []
  if (!domain) throw new Error(`nobody is named in ${text}`)
  return domain
}

/** The calls of the first list that the second does not have, each as often as it comes more often. */
function subtract(all: readonly string[], some: readonly string[]): readonly string[] {
  const left = new Map<string, number>()
  for (const call of some) left.set(call, (left.get(call) ?? 0) + 1)
  return all.filter((call) => {
    const count = left.get(call) ?? 0
    if (count > 0) left.set(call, count - 1)
    return count === 0
  })
}

function inOrder(texts: readonly string[]): readonly string[] {
  return texts.toSorted((one, other) => (one < other ? -1 : 1))
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

interface Graph {
  readonly nodes: readonly {
    readonly id: string
    readonly name: string
    readonly type: string
    readonly config: { readonly body?: Graph }
  }[]
}

/** What people call each node, by its id. */
function namesIn({ nodes }: Graph): ReadonlyMap<string, string> {
  return new Map(
    nodes.flatMap(({ id, name, type, config }) => [
      [id, name] as const,
      ...(type === 'core.forEach' && config.body ? namesIn(config.body) : []),
    ]),
  )
}

function pathOf(event: StoryEvent): string | undefined {
  return 'path' in event ? event.path : undefined
}

/** The timeline as a person reads it: all of it but the persons in the middle, of whom those with a failure are shown. */
function story(events: readonly StoryEvent[], names: ReadonlyMap<string, string>): string {
  const itemOf = (event: StoryEvent) => /^enrich\[(\d+)\]/.exec(pathOf(event) ?? '')?.[1]
  const shown = new Set(['0', '1'])
  for (const event of events) {
    const item = itemOf(event)
    if (item !== undefined && 'error' in event && shown.size < 4) shown.add(item)
  }
  const from = Date.parse(events[0]?.at ?? '')
  return events
    .filter((event) => itemOf(event) === undefined || shown.has(itemOf(event) ?? ''))
    .map((event) => {
      const seconds = ((Date.parse(event.at) - from) / 1_000).toFixed(2).padStart(6)
      return `${String(event.seq).padStart(5)} ${seconds}s ${String(Math.floor(event.progress)).padStart(3)} %  ${told(event, names)}`
    })
    .join('\n')
}

function told(event: StoryEvent, names: ReadonlyMap<string, string>): string {
  const item = /\[(\d+)\]/.exec(pathOf(event) ?? '')?.[1]
  const node = 'nodeId' in event ? names.get(event.nodeId) : undefined
  const who = [item === undefined ? null : `person ${item}`, node].filter(Boolean).join(': ')
  const words = event.kind.toLowerCase().replaceAll('_', ' ')
  const facts = [
    'message' in event ? event.message : null,
    'error' in event && event.error ? `${event.error.code}: ${event.error.message}` : null,
    'handles' in event && String(event.handles) !== 'out' ? `leaves by ${String(event.handles)}` : null,
    'handledBy' in event ? `then ${event.handledBy.toLowerCase()}` : null,
    'usage' in event && event.usage ? JSON.stringify(event.usage) : null,
  ]
  return [who, words, ...facts].filter(Boolean).join(' · ')
}
