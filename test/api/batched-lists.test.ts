import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import {
  getNamedType,
  getNullableType,
  isAbstractType,
  isLeafType,
  isInterfaceType,
  isListType,
  isObjectType,
  isUnionType,
  type GraphQLField,
  type GraphQLInterfaceType,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLOutputType,
} from 'graphql'
import { weightOf } from '../../src/http/limits/field-weight.ts'
import { schema } from '../../src/schema/schema.ts'
import { startApiServer, type ApiServer } from '../support/api-server.ts'
import { inShortestPieces } from '../support/hold-turn.ts'
import { countPrismaQueries } from '../support/prisma-query-count.ts'
import { countStatements } from '../support/statement-count.ts'
import { makeWeb, whileOpen } from '../support/web-of-runs.ts'

/** How to get a list of rows of each type; `FIELD` is what is asked of each. */
const LISTS: Readonly<Record<string, (first: number) => string>> = {
  Workflow: (first) => `workflows(first: ${first}) { edges { node { FIELD } } }`,
  WorkflowVersion: (first) =>
    `workflows(first: ${first}) { edges { node { versions(first: 1) { edges { node { FIELD } } } } } }`,
  Schedule: (first) => `schedules(first: ${first}) { edges { node { FIELD } } }`,
  ScheduleOccurrence: (first) =>
    `schedules(first: ${first}) { edges { node { lastOccurrences(first: 1) { FIELD } } } }`,
  Execution: (first) => `executions(first: ${first}) { edges { node { FIELD } } }`,
  Step: (first) =>
    `executions(first: ${first}) { edges { node { steps(last: 1) { edges { node { FIELD } } } } } }`,
  Job: (first) => `jobs(first: ${first}) { edges { node { FIELD } } }`,
}

/** What is given to fields that take more than the place of a page. */
const ARGUMENTS: Readonly<Record<string, string>> = {
  'Workflow.version': '(number: 1)',
  'Workflow.diff': '(from: 1, to: 2)',
  'Workflow.stats': '(days: 30)',
  'WorkflowVersion.diff': '(against: 1)',
  'Job.events': '(kinds: [JOB_QUEUED])',
  'Execution.events': '(kinds: [JOB_QUEUED])',
}
const PLACES = new Set(['first', 'after', 'last', 'before'])

/** Lists of which nothing is there to show. */
const EMPTY = new Set(['Workflow.diagnostics'])

const FEW = 3
const MANY = 20

interface Walked {
  readonly type: GraphQLObjectType
  readonly field: GraphQLField<unknown, unknown>
}

/** Whether a field leads to other rows: its answer stands in no column of its own row. */
function leadsOn({ args, type }: Walked['field']): boolean {
  const named = getNamedType(type)
  return args.length > 0 || isConnection(named) || isNode(named)
}

const isListOfObjects = (type: GraphQLOutputType) =>
  isListType(getNullableType(type)) && !isLeafType(getNamedType(type))
const isConnection = (type: GraphQLNamedType) => type.name.endsWith('Connection')
const isNode = (type: GraphQLNamedType) =>
  isObjectType(type) && type.getInterfaces().some(({ name }) => name === 'Node')

/** All object types that a query can come to. */
function reachable(): readonly GraphQLObjectType[] {
  const found = new Set<GraphQLNamedType>()
  const visit = (type: GraphQLNamedType) => {
    if (found.has(type)) return
    found.add(type)
    if (isAbstractType(type)) schema.getPossibleTypes(type).forEach(visit)
    if (isObjectType(type))
      for (const field of Object.values(type.getFields())) visit(getNamedType(field.type))
  }
  const query = schema.getQueryType()
  if (query) visit(query)
  return [...found].filter((type) => isObjectType(type)).filter((type) => type !== query)
}

const walked: readonly Walked[] = Object.keys(LISTS).flatMap((name) => {
  const type = schema.getType(name)
  if (!isObjectType(type)) throw new Error(`there is no type ${name}`)
  return Object.values(type.getFields()).map((field) => ({ type, field }))
})
const titled = walked.map((one) => [`${one.type.name}.${one.field.name}`, one] as const)

/** A field with all that its answer holds, but without free data, and without what other rows hold of still others. */
function selectionOf({ type, field }: Walked): string {
  const title = `${type.name}.${field.name}`
  const needsMore = field.args.some(({ name }) => !PLACES.has(name))
  if (needsMore && ARGUMENTS[title] === undefined) throw new Error(`say in ARGUMENTS what ${title} is given`)
  return `walked: ${field.name}${ARGUMENTS[title] ?? ''} ${contentOf(getNamedType(field.type))}`
}

function contentOf(type: GraphQLNamedType): string {
  if (isUnionType(type))
    return `{ ${type
      .getTypes()
      .map((one) => `... on ${one.name} { __typename }`)
      .join(' ')} }`
  return isObjectType(type) || isInterfaceType(type) ? `{ ${fieldsOf(type)} }` : ''
}

function fieldsOf(type: GraphQLObjectType | GraphQLInterfaceType): string {
  const isPart = type.name.endsWith('Edge') || isConnection(type)
  return Object.values(type.getFields())
    .filter((field) => !isLeafType(getNamedType(field.type)) || weightOf(type, field) === 0)
    .filter((field) => isPart || isLeafType(getNamedType(field.type)) || !(isNode(type) || leadsOn(field)))
    .map(({ name, type: inner }) => `${name} ${contentOf(getNamedType(inner))}`)
    .join(' ')
}

// No worker: nothing but the requests speaks to the database.
let server: ApiServer
let queries: { take(): number }
beforeAll(async () => {
  server = await startApiServer({ role: 'api' })
  await makeWeb(server, MANY)
  const { services } = server.lume
  const { client, take } = countPrismaQueries(services.prisma)
  queries = { take }
  Object.assign(services, { prisma: client })
}, 60_000)
afterAll(async () => {
  expect(server.takeFaults()).toEqual([])
  await server.stop()
})

const ask = (type: string, selection: string, first: number) =>
  send(`{ ${LISTS[type]?.(first).replace('FIELD', selection)} }`)

async function send(query: string, variables: object = {}) {
  const count = countStatements()
  queries.take()
  try {
    const { data, errors } = await server.client.post(JSON.stringify({ query, variables }))
    expect(errors).toEqual([])
    return { answers: answersIn(data), statements: count.take(), queries: queries.take() }
  } finally {
    count.stop()
  }
}

/** What each row of the list answers. */
function answersIn(data: unknown): readonly unknown[] {
  if (Array.isArray(data)) return data.flatMap(answersIn)
  if (data === null || typeof data !== 'object') return []
  return 'walked' in data ? [data.walked] : Object.values(data).flatMap(answersIn)
}

/** Whether an answer holds something: a list or a page has items. */
function isFilled(answer: unknown): boolean {
  if (answer === null || typeof answer !== 'object') return answer !== null
  const { pageInfo, edges, events } = answer as Readonly<Record<string, unknown>>
  const list = (pageInfo ? edges : events) ?? answer
  return !Array.isArray(list) || list.length > 0
}

describe('of a list, no field takes more statements for 20 rows than for 3:', () => {
  test('every type with fields that lead to other rows is walked', () => {
    const leading = reachable().filter(
      (type) =>
        !type.name.endsWith('Edge') && !isConnection(type) && Object.values(type.getFields()).some(leadsOn),
    )
    expect(new Set(leading.map(({ name }) => name))).toEqual(new Set(Object.keys(LISTS)))
  })

  test.each(titled)('%s', async (title, one) => {
    const walk = async () => {
      const selection = selectionOf(one)
      const few = await ask(one.type.name, selection, FEW)
      const many = await ask(one.type.name, selection, MANY)
      expect([few.answers.length, many.answers.length]).toEqual([FEW, MANY])
      if (leadsOn(one.field) || (isListOfObjects(one.field.type) && !EMPTY.has(title)))
        expect(many.answers.filter((answer) => !isFilled(answer))).toEqual([])
      expect(many.statements).toHaveLength(few.statements.length)
      expect(many.statements.length).toBeLessThanOrEqual(12)
      expect(many.queries).toBe(few.queries)
    }
    await (title === 'Execution.waitsFor' ? whileOpen(server, walk) : walk())
  })
})

describe('a list whose items resolve in many turns of the event loop takes as many statements as in one go:', () => {
  test.each(Object.keys(LISTS))('%s', async (type) => {
    const fields = walked.filter((one) => one.type.name === type && leadsOn(one.field))
    const selection = fields
      .map((one, index) => selectionOf(one).replace('walked:', `walked${index}:`))
      .join(' ')
    const inOneGo = await ask(type, selection, MANY)
    const inPieces = await inShortestPieces(() => ask(type, selection, MANY))
    expect(inPieces.statements).toHaveLength(inOneGo.statements.length)
    expect(inPieces.queries).toBe(inOneGo.queries)
  })
})

describe('`nodes` reads all rows of a type by one query, whatever the number of aliases:', () => {
  test.each(Object.keys(LISTS).filter((type) => isNode(schema.getType(type) as GraphQLNamedType)))(
    '%s',
    async (type) => {
      const { answers: ids } = await ask(type, 'walked: id', MANY)
      expect(new Set(ids).size).toBe(MANY)
      const all = `nodes(ids: $ids) { walked: id ... on ${type} { __typename } }`
      const query = `query($ids: [ID!]!) { a: ${all} b: ${all} c: ${all} }`
      const { answers, statements, queries: count } = await send(query, { ids })
      expect(answers).toEqual([...ids, ...ids, ...ids])
      // Steps are read from logs, without Prisma.
      expect([count, statements.length]).toEqual([type === 'Step' ? 0 : 1, 1])
    },
  )
})

const PAYLOADS = ['draft', 'body', 'metadata', 'input', 'variables', 'output', 'config', 'attempts']

describe('a page of rows reads no payload that was not asked for:', () => {
  const connections = titled.filter(([, { field }]) => {
    const type = getNamedType(field.type)
    if (!isObjectType(type) || !isConnection(type)) return false
    const edge = getNamedType(type.getFields().edges?.type ?? type)
    return isObjectType(edge) && isNode(getNamedType(edge.getFields().node?.type ?? edge))
  })

  test.each(connections)('%s', async (_title, { type, field }) => {
    const selection = `walked: ${field.name} { totalCount pageInfo { endCursor } edges { cursor node { id } } }`
    const { answers, statements } = await ask(type.name, selection, MANY)
    expect(answers.every(isFilled)).toBe(true)
    // The records of a log's pages are no payload: they have no values.
    const texts = statements.join('\n').replaceAll(/\b[op]\.body\b/g, '')
    for (const name of [...PAYLOADS, 'small', 'job_values'])
      expect(texts).not.toMatch(new RegExp(`\\b${name}\\b`))
  })
})

test('each mutation of a document shows rows as it left them, whatever the one before has read', async () => {
  const { data } = await server.client.post(
    JSON.stringify({ query: '{ workflows(first: 1) { edges { node { id } } } }' }),
  )
  const { id } = (data as { workflows: { edges: [{ node: { id: string } }] } }).workflows.edges[0].node
  const publish = (name: string) =>
    `${name}: rollbackWorkflow(input: { id: "${id}", version: ${name === 'one' ? 1 : 2} }) {
      ... on RollbackWorkflowPayload { workflow { versions(first: 1) { totalCount edges { node { number } } } } }
    }`
  const { data: shown } = await server.client.post(
    JSON.stringify({ query: `mutation { ${publish('one')} ${publish('two')} }` }),
  )
  const versions = (count: number) => ({
    workflow: { versions: { totalCount: count, edges: [{ node: { number: count } }] } },
  })
  expect(shown).toEqual({ one: versions(3), two: versions(4) })
})
