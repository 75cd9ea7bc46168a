import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { JsonObject } from '../../../../src/lib/json/json.ts'
import type { Reports } from '../../../support/block-context.ts'
import {
  leadRow as lead,
  openSupabaseRoom,
  type Given,
  type SupabaseRoom,
} from '../../../support/providers/supabase-room.ts'
import {
  problem,
  type StandInTable,
  type SupabaseServer,
} from '../../../support/providers/supabase-server.ts'

let room: SupabaseRoom
let server: SupabaseServer
let leads: StandInTable
let reports: Reports

async function open(rows: readonly JsonObject[], key?: string): Promise<void> {
  room = await openSupabaseRoom(rows, key)
  ;({ server, leads, reports } = room)
}

beforeEach(() => open([lead(1), lead(2), lead(3)]))
afterEach(() => room.close())

const select = (config: JsonObject = {}, given: Given = {}) =>
  room.run('api.supabase.select', { table: 'leads', ...config }, given)
const upsert = (config: JsonObject = {}, given: Given = {}) =>
  room.run(
    'api.supabase.upsert',
    { table: 'leads', rows: [lead(1)], onConflict: ['email'], ...config },
    given,
  )

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
    expect(server.calls[0]?.headers).toMatchObject({ apikey: room.key, authorization: `Bearer ${room.key}` })

    await room.close()
    await open([lead(1)], 'sb_publishable_1')
    await select()
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

it('makes up results of the right shape', () => {
  const sample = (type: string, config: JsonObject) => {
    const block = room.block(type)
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
