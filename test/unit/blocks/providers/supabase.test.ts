import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { BlockContext } from '../../../../src/engine/block.ts'
import { Closers } from '../../../../src/lib/closers.ts'
import type { Json, JsonObject } from '../../../../src/lib/json.ts'
import { emptyReports, runBlock, type Reports } from '../../../support/block-context.ts'
import { providerWorld, type ProviderWorld } from '../../../support/providers/provider-world.ts'
import {
  problem,
  startSupabaseServer,
  type StandInTable,
  type SupabaseServer,
} from '../../../support/providers/supabase-server.ts'
import { createSwiftClock, type SwiftClock } from '../../../support/providers/swift-clock.ts'

const KEY = 'eyJhbGciOi.anon.key'
const COLUMNS = ['id', 'email', 'status', 'score', 'tags', 'note']

let closers: Closers
let server: SupabaseServer
let world: ProviderWorld
let clock: SwiftClock
let reports: Reports
let leads: StandInTable

const lead = (id: number, more: JsonObject = {}): JsonObject => ({
  id,
  email: `lead${id}@example.com`,
  status: 'new',
  score: id * 10,
  tags: ['a'],
  note: null,
  ...more,
})

async function open(rows: readonly JsonObject[], key = KEY): Promise<void> {
  await closers.close()
  closers = new Closers()
  leads = { rows: [...rows], columns: COLUMNS, unique: ['email'] }
  const tables = {
    leads,
    'crm.leads': { ...leads, rows: [lead(99)] },
    hidden: { ...leads, rows: [lead(1)], isHidden: true },
    closed: { ...leads, rows: [], isReadOnly: true },
  }
  server = await startSupabaseServer(tables, key)
  closers.add(() => server.close())
  clock = createSwiftClock()
  world = providerWorld({}, clock, [new URL(server.origin).host])
  closers.add(() => world.close())
  reports = emptyReports()
}

beforeEach(async () => {
  closers = new Closers()
  await open([lead(1), lead(2), lead(3)])
})
afterEach(() => closers.close())

type Given = Partial<Pick<BlockContext, 'signal' | 'checkpoints'>> & { key?: string; url?: string }

async function run(
  type: string,
  config: JsonObject,
  { key = KEY, url = server.origin, ...given }: Given = {},
) {
  const block = world.block(type)
  const secrets = { supabaseUrl: url, supabaseAnonKey: key }
  const outcome = await runBlock(block, { config, secrets, clock, reports, ...given })
  if (outcome.kind !== 'completed') throw new Error(`the block is ${outcome.kind}`)
  return block.output.parse(outcome.output) as JsonObject
}
const select = (config: JsonObject = {}, given: Given = {}) =>
  run('api.supabase.select', { table: 'leads', ...config }, given)
const upsert = (config: JsonObject = {}, given: Given = {}) =>
  run('api.supabase.upsert', { table: 'leads', rows: [lead(1)], onConflict: ['email'], ...config }, given)
const ids = async (config: JsonObject): Promise<readonly Json[]> => {
  const { rows } = await select(config)
  return (rows as readonly JsonObject[]).map(({ id }) => id ?? null)
}

describe('selecting', () => {
  it('gives the rows of a table, whole or in the columns that are asked for', async () => {
    expect(await select({ limit: 2 })).toEqual({ rows: [lead(1), lead(2)], total: null })
    expect(await select({ columns: ['id', 'email'], limit: 1 })).toMatchObject({
      rows: [{ id: 1, email: 'lead1@example.com' }],
    })
  })

  it.each<[string, JsonObject, readonly number[]]>([
    ['equal', { filters: [{ column: 'score', value: 20 }] }, [2]],
    ['not equal', { filters: [{ column: 'score', value: 20, not: true }] }, [1, 3, 4]],
    ['neq', { filters: [{ column: 'email', operator: 'neq', value: 'lead1@example.com' }] }, [2, 3, 4]],
    [
      'between',
      {
        filters: [
          { column: 'score', operator: 'gt', value: 10 },
          { column: 'score', operator: 'lte', value: 30 },
        ],
      },
      [2, 3],
    ],
    [
      'gte and lt',
      {
        filters: [
          { column: 'score', operator: 'gte', value: 20 },
          { column: 'score', operator: 'lt', value: 30 },
        ],
      },
      [2],
    ],
    ['like', { filters: [{ column: 'email', operator: 'like', value: 'lead*' }] }, [1, 2, 3]],
    ['ilike', { filters: [{ column: 'email', operator: 'ilike', value: 'ODD%' }] }, [4]],
    ['is null', { filters: [{ column: 'note', operator: 'is', value: null }] }, [1, 2, 3]],
    ['in', { filters: [{ column: 'id', operator: 'in', value: [1, 3] }] }, [1, 3]],
    [
      'in, with marks of its own',
      { filters: [{ column: 'note', operator: 'in', value: ['x', 'a "b", (c)\\d'] }] },
      [4],
    ],
    ['in nothing', { filters: [{ column: 'id', operator: 'in', value: [] }] }, []],
    ['contains', { filters: [{ column: 'tags', operator: 'cs', value: ['b,c'] }] }, [4]],
    ['is contained', { filters: [{ column: 'tags', operator: 'cd', value: ['a', 'z'] }] }, [1, 2, 3]],
    [
      'one of two',
      {
        anyOf: [
          { column: 'id', value: 2 },
          { column: 'note', value: 'a "b", (c)\\d' },
        ],
      },
      [2, 4],
    ],
    [
      'one of two, and more',
      {
        anyOf: [
          { column: 'id', value: 1 },
          { column: 'id', operator: 'in', value: [2, 4] },
        ],
        filters: [{ column: 'score', operator: 'gt', value: 10 }],
      },
      [2, 4],
    ],
    ['a value that looks like a condition', { filters: [{ column: 'status', value: 'eq.new,or=(x)' }] }, []],
  ])('filters: %s', async (_, config, expected) => {
    leads.rows.push(lead(4, { email: 'odd@example.com', note: 'a "b", (c)\\d', tags: ['b,c'] }))
    expect(await ids({ order: [{ column: 'id' }], ...config })).toEqual(expected)
  })

  it('orders', async () => {
    leads.rows.push(lead(4, { score: null }))
    const order: JsonObject[] = [{ column: 'score', direction: 'desc', nulls: 'last' }, { column: 'id' }]
    await ids({ order })
    expect(server.calls[0]?.query.get('order')).toBe('score.desc.nullslast,id.asc')
    expect(await ids({ order: [{ column: 'id', direction: 'desc' }] })).toEqual([4, 3, 2, 1])
  })

  it('reads page by page until the limit', async () => {
    await open(Array.from({ length: 2_500 }, (_, index) => lead(index + 1)))
    const { rows } = await select({ limit: 2_200, order: [{ column: 'id' }], offset: 100 })
    expect(rows).toHaveLength(2_200)
    expect(server.calls.map(({ query }) => [query.get('offset'), query.get('limit')])).toEqual([
      ['100', '1000'],
      ['1100', '1000'],
      ['2100', '200'],
    ])
  })

  it('reads everything although a project gives fewer rows at once than are asked for', async () => {
    await open(Array.from({ length: 25 }, (_, index) => lead(index + 1)))
    server.setMaxRows(10)
    expect(await ids({ order: [{ column: 'id' }] })).toHaveLength(25)
    expect(server.calls).toHaveLength(3)
    server.setMaxRows(5)
    expect(await ids({ order: [{ column: 'id' }] })).toHaveLength(25)
    // The sixth says that the fifth was the last.
    expect(server.calls).toHaveLength(3 + 6)
  })

  it('counts when it is asked to, and then needs no call to see the end', async () => {
    expect(await select({ count: true, offset: 1 })).toMatchObject({ rows: { length: 2 }, total: 3 })
    expect(server.calls).toHaveLength(1)
    expect(await select({ count: true, filters: [{ column: 'id', value: 9 }] })).toEqual({
      rows: [],
      total: 0,
    })
  })

  it('gives nothing where no policy lets the key see rows', async () => {
    expect(await select({ table: 'hidden' })).toEqual({ rows: [], total: null })
  })

  it('reads another schema', async () => {
    expect(await ids({ schema: 'crm' })).toEqual([99])
  })
})

describe('upserting', () => {
  it('inserts new rows and updates those that are there, without touching what they do not name', async () => {
    const rows: JsonObject[] = [
      { email: 'lead1@example.com', score: 77 },
      { email: 'new@example.com', note: 'x' },
    ]
    expect(await upsert({ rows })).toEqual({ written: 2, duplicates: 0, rows: [] })

    expect(leads.rows[0]).toEqual(lead(1, { score: 77 }))
    expect(leads.rows[3]).toMatchObject({ email: 'new@example.com', note: 'x' })
    expect(server.calls.map(({ query }) => query.get('columns'))).toEqual(['email,score', 'email,note'])
  })

  it('leaves rows that are there as they are when it is asked to', async () => {
    await upsert({ rows: [{ email: 'lead1@example.com', score: 77 }], ignoreDuplicates: true })
    expect(leads.rows[0]).toEqual(lead(1))
  })

  it('gives back what is asked for', async () => {
    const rows = [{ email: 'lead1@example.com', score: 77 }]
    expect(await upsert({ rows, returning: ['id', 'score'] })).toMatchObject({ rows: [{ id: 1, score: 77 }] })
  })

  it('writes the last of rows with the same key', async () => {
    const rows = [1, 2, 3].map((score) => ({ email: 'lead1@example.com', score }))
    expect(await upsert({ rows })).toMatchObject({ written: 1, duplicates: 2 })
    expect(leads.rows[0]).toMatchObject({ score: 3 })
  })

  it('writes in batches and records each', async () => {
    const rows = Array.from({ length: 5 }, (_, index) => ({ email: `x${index}@example.com` }))
    expect(await upsert({ rows, batchSize: 2 })).toMatchObject({ written: 5 })
    expect(server.calls).toHaveLength(3)
    expect(reports.checkpoints).toEqual([{ written: 1 }, { written: 2 }, { written: 3 }])
  })

  it('after a crash writes only what is not recorded', async () => {
    const rows = Array.from({ length: 5 }, (_, index) => ({ email: `x${index}@example.com` }))
    expect(await upsert({ rows, batchSize: 2 }, { checkpoints: { written: 2 } })).toMatchObject({
      written: 5,
    })
    expect(server.calls.map(({ json }) => json)).toEqual([[{ email: 'x4@example.com' }]])
  })

  it('of nothing calls nobody', async () => {
    expect(await upsert({ rows: [] }, { key: '' })).toMatchObject({ written: 0 })
    expect(server.calls).toHaveLength(0)
  })

  it('refuses a row without its key before anything is written', async () => {
    await expect(upsert({ rows: [lead(1), { score: 1 }] })).rejects.toMatchObject({
      code: 'ROW_KEY_MISSING',
      retryable: false,
      details: { index: 1, column: 'email' },
    })
    expect(server.calls).toHaveLength(0)
  })
})

describe('the key', () => {
  it('of the older kind is sent as a bearer’s as well, one of the newer kind is not', async () => {
    await select()
    expect(server.calls[0]?.headers).toMatchObject({ apikey: KEY, authorization: `Bearer ${KEY}` })

    await open([lead(1)], 'sb_publishable_1')
    await select({}, { key: 'sb_publishable_1' })
    expect(server.calls[0]?.headers).toMatchObject({ apikey: 'sb_publishable_1' })
    expect(server.calls[0]?.headers).not.toHaveProperty('authorization')
  })

  it('that is wrong is told without repeating it', async () => {
    await expect(select({}, { key: 'eyJ-wrong' })).rejects.toMatchObject({
      code: 'PROVIDER_UNAUTHORIZED',
      message: expect.stringMatching(/^(?!.*eyJ-wrong).*Invalid API key/),
    })
  })
})

describe('a refusal', () => {
  it.each<[string, () => Promise<unknown>, JsonObject]>([
    [
      'an unknown table',
      () => select({ table: 'nowhere' }),
      { code: 'PROVIDER_NOT_FOUND', details: { reason: 'PGRST205' } },
    ],
    [
      'an unknown column',
      () => select({ columns: ['nothing'] }),
      { code: 'PROVIDER_REQUEST_INVALID', details: { reason: '42703' } },
    ],
    [
      'a column that cannot be written',
      () => upsert({ rows: [{ email: 'a', nothing: 1 }] }),
      { code: 'PROVIDER_REQUEST_INVALID', details: { reason: 'PGRST204' } },
    ],
    [
      'a policy',
      () => upsert({ table: 'closed' }),
      { code: 'PROVIDER_FORBIDDEN', details: { reason: '42501' } },
    ],
    [
      'a missing constraint',
      () => upsert({ onConflict: ['id'] }),
      { code: 'PROVIDER_REQUEST_INVALID', details: { reason: '42P10' } },
    ],
  ])('because of %s is final', async (_, attempt, expected) => {
    await expect(attempt()).rejects.toMatchObject({ retryable: false, ...expected })
    expect(server.calls).toHaveLength(1)
  })

  it('because of a broken constraint tells which', async () => {
    const details = 'Key (email)=(a@b.test) already exists.'
    server.failNext(problem(409, { code: '23505', message: 'duplicate key value', details, hint: null }))
    await expect(upsert()).rejects.toMatchObject({
      code: 'PROVIDER_REFUSED',
      message: expect.stringContaining(`duplicate key value — ${details}`),
    })
  })

  it.each([503, 500, 408])('with %d is waited out when reading', async (status) => {
    server.failNext({ status, body: 'no' })
    expect(await select({ limit: 3 })).toMatchObject({ rows: { length: 3 } })
    expect(server.calls).toHaveLength(2)
  })

  it('with 503 is for the step to try again when writing', async () => {
    server.failNext({ status: 503, body: 'no' })
    await expect(upsert()).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE', retryable: true })
    expect(server.calls).toHaveLength(1)
  })

  it('with 429 says how long to wait', async () => {
    server.failNext({ status: 429, headers: { 'retry-after': '9' }, body: { message: 'slow down' } })
    await expect(upsert()).rejects.toMatchObject({ code: 'PROVIDER_RATE_LIMITED', retryAfterMs: 9_000 })
  })

  it('of the address: a project is not reached where this Lume may not go', async () => {
    await expect(upsert({}, { url: 'http://10.0.0.1' })).rejects.toMatchObject({
      code: 'HTTP_ADDRESS_REFUSED',
    })
    await expect(upsert({}, { url: 'my project' })).rejects.toMatchObject({ code: 'HTTP_INVALID_URL' })
  })
})

it('ends at once when it is canceled', async () => {
  server.failNext({ kind: 'silence' })
  const stop = new AbortController()
  const canceled = expect(select({}, { signal: stop.signal })).rejects.toThrow('canceled')
  await server.received(/./)
  stop.abort(new Error('canceled'))
  await canceled
  await server.deserted()
})

it.each<[string, JsonObject, string]>([
  ['null without "is"', { filters: [{ column: 'a', value: null }] }, 'cannot be null: use the operator'],
  ['"is" with a text', { filters: [{ column: 'a', operator: 'is', value: 'x' }] }, 'must be null, true'],
  ['"in" without a list', { filters: [{ column: 'a', operator: 'in', value: 'x' }] }, 'must be a list'],
  [
    '"cs" of a text',
    { filters: [{ column: 'a', operator: 'cs', value: 'x' }] },
    'must be a list or an object',
  ],
  ['a list that is equal', { filters: [{ column: 'a', value: [1] }] }, 'must be a text, number or boolean'],
  ['a word of the API', { filters: [{ column: 'order', value: 1 }] }, 'is a word of the API'],
  ['many rows without an order', { limit: 1_001 }, 'need an order'],
])('refuses %s', async (_, config, message) => {
  await expect(select(config)).rejects.toThrow(message)
})

it('makes up results of the right shape', () => {
  const sample = (type: string, config: JsonObject) => {
    const block = world.block(type)
    return block.output.parse(
      block.sampleFor?.({ config: block.config.parse(config), input: null, random: () => 0.5 }),
    )
  }
  const filters = [{ column: 'status', value: 'new' }]
  expect(sample('api.supabase.select', { table: 't', columns: ['id', 'status'], filters, limit: 2 })).toEqual(
    {
      rows: [
        { id: 1, status: 'new' },
        { id: 2, status: 'new' },
      ],
      total: null,
    },
  )
  const rows = [
    { email: 'a', x: 1 },
    { email: 'a', x: 2 },
  ]
  expect(
    sample('api.supabase.upsert', { table: 't', rows, onConflict: ['email'], returning: ['x'] }),
  ).toEqual({
    written: 1,
    duplicates: 1,
    rows: [{ x: 2 }],
  })
})
