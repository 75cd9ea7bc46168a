import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { execute, isObjectType, OperationTypeNode, parse, subscribe, type ExecutionResult } from 'graphql'
import pg from 'pg'
import type { Viewer } from '../../src/access/viewer.ts'
import { createLume, type Lume } from '../../src/app.ts'
import { globalId } from '../../src/lib/global-id.ts'
import { ownerId, type JobId } from '../../src/lib/ids.ts'
import { createLogger } from '../../src/lib/log/logger.ts'
import { createContext } from '../../src/schema/kit/context.ts'
import { NODE_TYPES } from '../../src/schema/kit/global-id.ts'
import { schema } from '../../src/schema/schema.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import {
  documentFor,
  rootFieldsOf,
  takesNames,
  type ArgumentValues,
  type RootField,
} from '../support/root-fields.ts'
import { isOwnStatement } from '../support/statement-count.ts'
import { until } from '../support/until.ts'

/** Stands in everything that the other tenant has: whoever reads it has seen too much. */
const MARK = 'belongs-to-acme'

const fields = rootFieldsOf(schema)

function viewerOf(owner: string, role: Viewer['role'] = 'ADMIN'): Viewer {
  return { ownerId: ownerId(owner), role, name: owner, credentialId: owner, authentication: 'SETTINGS' }
}

let database: TestDatabase
let lume: Lume
beforeAll(async () => {
  database = await createTestDatabase()
  lume = await createLume({ databaseUrl: database.url }, { logger: createLogger('silent') })
})
afterAll(async () => {
  await lume.close()
  await database.drop()
})

interface Answer {
  readonly result: unknown
  /** The statements that were sent to the database meanwhile, without their values. */
  readonly statements: readonly string[]
}

/** Runs a document as somebody, straight on the schema, and lists the statements of it. */
async function ask(
  viewer: Viewer,
  source: string,
  variables: Readonly<Record<string, unknown>>,
): Promise<Answer> {
  const contextValue = createContext(lume.services, viewer)
  const args = { schema, document: parse(source), variableValues: { ...variables }, contextValue }
  const isSubscription = source.startsWith('subscription')
  const { result, statements } = await recordStatements(async (sent) =>
    isSubscription
      ? firstOf(await subscribe(args), { sent, hint: variables.filter, owner: viewer.ownerId })
      : await execute(args),
  )
  return { result, statements }
}

/**
 * The first result. What tells of changes alone may have none to tell: it is given a hint of what the filter names, and of
 * everybody's jobs, since only those of its own owner make it look, and is done when it has looked behind them.
 */
async function firstOf(
  stream: AsyncIterable<ExecutionResult> | ExecutionResult,
  { sent, hint, owner }: { sent: readonly string[]; hint: unknown; owner: string },
): Promise<unknown> {
  if (!(Symbol.asyncIterator in stream)) return stream
  const iterator = stream[Symbol.asyncIterator]()
  const first = iterator.next().then(({ value }: { value?: unknown }) => value)
  if (hint === undefined) {
    const value = await first
    await iterator.return?.()
    return value
  }
  const everybodys = await lume.services.prisma.job.findMany({ select: { id: true, ownerId: true } })
  lume.services.wakeups.news([idIn(hint), ...everybodys.map(({ id }) => id)] as JobId[])
  // Whoever has no job looks at the beginning alone.
  const look = everybodys.some(({ ownerId }) => ownerId === owner) ? 'j.id = ANY' : 'WITH changed'
  const hasLooked = () => sent.some((text) => text.includes(look))
  const value = await Promise.race([first, until('it has looked behind the hint', hasLooked)])
  await iterator.return?.()
  return value === true ? {} : value
}

/** The id of a row that a filter names, by its global id or bare. */
function idIn(filter: unknown): string {
  const { workflowId } = filter as { workflowId: string }
  const bare = /[0-9a-f]{8}-[0-9a-f-]{27}/
  return (bare.exec(workflowId) ?? bare.exec(Buffer.from(workflowId, 'base64').toString()))?.[0] ?? ''
}

async function recordStatements<T>(
  work: (sent: readonly string[]) => Promise<T>,
): Promise<{ result: T; statements: readonly string[] }> {
  const statements: string[] = []
  const { query } = pg.Client.prototype
  pg.Client.prototype.query = function recorded(this: pg.Client, ...args: unknown[]) {
    const [statement] = args as [string | { text?: string }]
    statements.push(typeof statement === 'string' ? statement : (statement.text ?? ''))
    return (query as (...all: unknown[]) => unknown).apply(this, args)
  } as typeof query
  try {
    const result = await work(statements)
    // Those of one moment go side by side, in any order.
    return { result, statements: statements.filter((text) => !isBackground(text)).toSorted() }
  } finally {
    pg.Client.prototype.query = query
  }
}

/** What the worker asks by itself from time to time, and whose the jobs of hints are, which is asked for nobody. */
function isBackground(text: string): boolean {
  if (isOwnStatement(text) || text.includes('owner_id AS "ownerId" FROM jobs WHERE id = ANY')) return true
  return /lume_survey|lume_claim|wake_at|leased_until|holder|pg_notify|is_counted|uncounted_jobs|is_parent_told|claimed_until|missing_block_types|wanted\.key/.test(
    text,
  )
}

/** One row of each kind that has a global id, all of the same owner. */
async function makeRows(owner: string): Promise<ReadonlyMap<string, string>> {
  const viewer = viewerOf(owner)
  const { services } = lume
  const value = `${MARK} ${owner}`
  const definition = {
    name: value,
    nodes: [{ id: 'a', name: value, type: 'core.transform', config: { value } }],
    edges: [],
  }
  const workflow = await services.drafts.create(viewer.ownerId, { name: value, tags: [value], definition })
  if (workflow.kind !== 'saved') throw new Error('no workflow')
  const started = await services.start({
    ownerId: viewer.ownerId,
    type: 'WORKFLOW',
    definition,
    workflowId: workflow.id,
    input: value,
    variables: { value },
    mode: 'production',
    metadata: { value },
    idempotencyKey: null,
    intent: 'queue',
  })
  if (started.kind !== 'started') throw new Error('no job')
  await until('the run has ended', async () => {
    const job = await services.prisma.job.findUnique({ where: { id: started.jobId } })
    return job?.finishedAt
  })
  const target = { ownerId: viewer.ownerId, id: workflow.id, expectedRevision: null }
  const published = await services.publishing.publish(target, value)
  if (published.kind !== 'published') throw new Error('no version')
  const version = await services.prisma.workflowVersion.findFirstOrThrow({
    where: { workflowId: workflow.id },
  })
  const schedule = await services.schedules.create(
    { ownerId: viewer.ownerId, workflowId: workflow.id },
    { name: value, cron: '0 0 1 1 *', input: value },
  )
  if (schedule.kind !== 'saved') throw new Error('no schedule')
  // As if it were the schedule’s, so that it is found by the schedule, too.
  await services.prisma.execution.update({
    where: { id: started.jobId },
    data: { scheduleId: schedule.id, scheduledFor: new Date() },
  })
  const key = await services.apiKeys.create(viewer.ownerId, { name: value, role: 'ADMIN', expiresAt: null })
  if (key.kind !== 'created') throw new Error('no key')
  return new Map([
    ['Workflow', workflow.id],
    ['WorkflowVersion', version.id],
    ['Job', started.jobId],
    ['Execution', started.jobId],
    ['Step', `${started.jobId} a`],
    ['Schedule', schedule.id],
    ['ApiKey', key.id],
  ])
}

/** An id of the same form and time that nobody has: it stands at the same place of every list. */
function strangersOf(id: string): string {
  return id.replace(/^([0-9a-f-]{24})[0-9a-f]{12}/, `$1${randomUUID().slice(24)}`)
}

function cursorOf(id: string): string {
  return Buffer.from(`GPC:S:${id}`).toString('base64')
}

/** An answer without what any two answers differ in: the ids asked for, new ids and times. */
function shapeOf(result: unknown, { id, cursor }: ArgumentValues): unknown {
  const text = JSON.stringify(result)
    .replaceAll(JSON.stringify(id).slice(1, -1), '<id>')
    .replaceAll(JSON.stringify(cursor ?? '<none>').slice(1, -1), '<cursor>')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
  return JSON.parse(text)
}

describe('the walk', () => {
  test('knows how to ask every root field, and the first answer of each is no error of the request', async () => {
    expect(fields.length).toBeGreaterThan(15)
    for (const field of fields) {
      const { source, variables } = documentFor(field, { id: globalId('Job', randomUUID()), cursor: null })
      const { result } = await ask(viewerOf('walker'), source, variables)
      const { errors = [] } = result as ExecutionResult
      const codes = errors.map(({ extensions, message }) => extensions.code ?? message)
      expect([field.title, codes.filter((code) => code !== 'NOT_FOUND')]).toEqual([field.title, []])
    }
  })

  test('has a row of every kind that has a global id', async () => {
    const nodes = Object.values(schema.getTypeMap()).filter(
      (type) => isObjectType(type) && type.getInterfaces().some(({ name }) => name === 'Node'),
    )
    expect(new Set(nodes.map(({ name }) => name))).toEqual(new Set(NODE_TYPES))
    expect(new Set((await makeRows('kinds')).keys())).toEqual(new Set(NODE_TYPES))
  })
})

describe('one tenant never sees, or learns of the existence of, another’s rows (P8):', () => {
  let rows: ReadonlyMap<string, string>
  beforeAll(async () => {
    rows = await makeRows('acme')
    await makeRows('globex')
  })

  test.each(fields.map((field) => [field.title, field] as const))('%s', async (_title, field) => {
    const globex = viewerOf('globex')
    const kinds = takesNames(field) ? [...rows] : [...rows].slice(0, 1)
    // Once without looking, so that caches are the same for all that follow.
    await askWith(globex, field, { id: randomUUID(), cursor: null })
    for (const [kind, id] of kinds) {
      for (const form of [(one: string) => globalId(kind, one), (one: string) => one]) {
        const foreign = { id: form(id), cursor: cursorOf(id) }
        const random = strangersOf(id)
        const nobodys = { id: form(random), cursor: cursorOf(random) }
        const seen = await askWith(globex, field, foreign)
        const unseen = await askWith(globex, field, nobodys)
        expect([kind, JSON.stringify(seen.result).includes(`${MARK} acme`)]).toEqual([kind, false])
        if (!takesNames(field)) continue
        expect([kind, withoutNewIds(field, shapeOf(seen.result, foreign))]).toEqual([
          kind,
          withoutNewIds(field, shapeOf(unseen.result, nobodys)),
        ])
        expect([kind, seen.statements]).toEqual([kind, unseen.statements])
      }
    }
  })

  test('and the same questions show the owner something: the walk would notice', async () => {
    const acme = viewerOf('acme')
    const shown: string[] = []
    for (const field of fields.filter(({ operation }) => operation !== OperationTypeNode.MUTATION)) {
      for (const [kind, id] of rows) {
        const { result } = await askWith(acme, field, { id: globalId(kind, id), cursor: null })
        if (JSON.stringify(result).includes(`${MARK} acme`)) shown.push(field.title)
      }
    }
    expect([...new Set(shown)]).toEqual(
      expect.arrayContaining([
        'query node',
        'query nodes',
        'query workflow',
        'query workflows',
        'query execution',
        'query executions (workflowId)',
        'query executions (scheduleId)',
        'query job',
        'query schedule',
        'query schedules',
        'query apiKeys',
        'subscription jobEvents',
      ]),
    )
  }, 120_000) // every query with every kind of row: it grows with the schema
})

describe('roles:', () => {
  const NEEDED: Readonly<Record<string, Viewer['role']>> = {
    'query apiKeys': 'ADMIN',
    'mutation createApiKey': 'ADMIN',
    'mutation revokeApiKey': 'ADMIN',
    'mutation setSecret': 'ADMIN',
    'mutation deleteSecret': 'ADMIN',
  }
  const neededFor = ({ title, operation }: RootField) =>
    NEEDED[title] ?? (operation === OperationTypeNode.MUTATION ? 'EDITOR' : 'VIEWER')

  test.each(fields.map((field) => [field.title, neededFor(field), field] as const))(
    '%s needs %s, and who has less is told so before anything happens',
    async (_title, needed, field) => {
      for (const role of ['VIEWER', 'EDITOR', 'ADMIN'] as const) {
        const isAllowed =
          ['VIEWER', 'EDITOR', 'ADMIN'].indexOf(role) >= ['VIEWER', 'EDITOR', 'ADMIN'].indexOf(needed)
        const values = { id: globalId('Job', randomUUID()), cursor: null }
        const { result, statements } = await askWith(viewerOf('roles', role), field, values)
        const { errors = [] } = result as ExecutionResult
        const refusals = errors.filter(({ extensions }) => extensions.code === 'FORBIDDEN')
        if (isAllowed) {
          expect([role, refusals]).toEqual([role, []])
          continue
        }
        expect(refusals.map(({ message, extensions }) => ({ message, extensions }))).toEqual([
          {
            message: `This needs the role ${needed}; this credential has ${role}.`,
            extensions: { code: 'FORBIDDEN', requiredRole: needed },
          },
        ])
        expect(statements).toEqual([])
      }
    },
  )

  test('a key is not shown by `node` to a role that may not list keys', async () => {
    const rows = await makeRows('hidden')
    const source = 'query ($id: ID!) { node(id: $id) { id ... on ApiKey { name prefix } } }'
    const variables = { id: globalId('ApiKey', rows.get('ApiKey') ?? '') }
    const { result } = await ask(viewerOf('hidden', 'EDITOR'), source, variables)
    expect((result as ExecutionResult).errors?.[0]?.extensions).toEqual({
      code: 'FORBIDDEN',
      requiredRole: 'ADMIN',
    })
    expect(JSON.stringify(result)).not.toContain(MARK)
  })
})

function askWith(viewer: Viewer, field: RootField, values: ArgumentValues): Promise<Answer> {
  const { source, variables } = documentFor(field, values)
  return ask(viewer, source, variables)
}

/** What a mutation has just made has ids of its own. */
function withoutNewIds({ operation }: RootField, shape: unknown): unknown {
  if (operation !== OperationTypeNode.MUTATION) return shape
  return JSON.parse(JSON.stringify(shape).replaceAll(/"(\w+_(?:id|key|prefix))":"[^"]+"/g, '"$1":"<new>"'))
}
