import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { Json, JsonObject } from '../../../../src/lib/json/json.ts'
import {
  leadRow as lead,
  openSupabaseRoom,
  type Given,
  type SupabaseRoom,
} from '../../../support/providers/supabase-room.ts'
import { type StandInTable, type SupabaseServer } from '../../../support/providers/supabase-server.ts'

let room: SupabaseRoom
let server: SupabaseServer
let leads: StandInTable

async function open(rows: readonly JsonObject[], key?: string): Promise<void> {
  room = await openSupabaseRoom(rows, key)
  ;({ server, leads } = room)
}

beforeEach(() => open([lead(1), lead(2), lead(3)]))
afterEach(() => room.close())

const select = (config: JsonObject = {}, given: Given = {}) =>
  room.run('api.supabase.select', { table: 'leads', ...config }, given)
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
    await room.close()
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
    await room.close()
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
