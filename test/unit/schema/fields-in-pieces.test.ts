import { expect, test } from '@jest/globals'
import { execute, GraphQLList, GraphQLObjectType, GraphQLSchema, GraphQLString, parse } from 'graphql'
import { FieldPieces } from '../../../src/schema/answers/field-pieces.ts'
import { resolveInPieces } from '../../../src/schema/fields-in-pieces.ts'
import { createBatch } from '../../../src/schema/kit/batch.ts'
import type { Context } from '../../../src/schema/kit/context.ts'
import { countTurns } from '../../support/count-turns.ts'
import { inShortestPieces } from '../../support/hold-turn.ts'

const ITEMS = 60

/** Lists of items, each of which loads a name and, once that is there, a label. */
function makeWorld() {
  const batches: (readonly string[])[] = []
  const load = (what: string, key: string, { batch }: Pick<Context, 'batch'>) =>
    batch<string>(what, null, async (keys) => {
      batches.push(keys)
      return keys.map((one) => `${what} of ${one}`)
    }).load(key)
  const item = new GraphQLObjectType<string, Context>({
    name: 'Item',
    fields: {
      id: { type: GraphQLString, resolve: (id) => id },
      label: {
        type: GraphQLString,
        resolve: async (id, _args, context) => load('label', await load('name', id, context), context),
      },
    },
  })
  const items = (list: () => readonly unknown[]) => ({ type: new GraphQLList(item), resolve: list })
  const keys = Array.from({ length: ITEMS }, (_, n) => `item ${n}`)
  const query = new GraphQLObjectType({
    name: 'Query',
    fields: {
      items: items(() => keys),
      rejecting: items(() => keys.map((key) => Promise.reject(new Error(`no ${key}`)))),
    },
  })
  const schema = resolveInPieces(new GraphQLSchema({ query }))
  const pieces = new FieldPieces()
  const contextValue = { pieces, batch: createBatch(pieces) }
  return { batches, ask: (text: string) => execute({ schema, document: parse(text), contextValue }) }
}

test('the items of a list that uses up its turn of the event loop resolve in further turns, and a loader still gathers all of them in one batch', async () => {
  const { ask, batches } = makeWorld()
  const count = countTurns()
  const { data, errors } = await inShortestPieces(async () =>
    ask('{ a: items { id label } b: items { id } }'),
  )
  count.stop()
  expect(errors).toBeUndefined()
  const { a, b } = data as Record<'a' | 'b', readonly { id: string; label: string }[]>
  expect([a.length, b.length]).toEqual([ITEMS, ITEMS])
  expect(a[7]).toEqual({ id: 'item 7', label: 'label of name of item 7' })
  expect(count.turns).toBeGreaterThanOrEqual(2 * ITEMS)
  expect(batches.map((keys) => keys.length)).toEqual([ITEMS, ITEMS])
})

test('a list whose items resolve within its turn of the event loop takes no further one', async () => {
  const { ask } = makeWorld()
  const { now } = performance
  performance.now = () => 0
  try {
    expect(ask('{ items { id } }')).not.toBeInstanceOf(Promise)
  } finally {
    performance.now = now
  }
})

test('items that are rejected before their turn fail as errors of their own fields, and end no process', async () => {
  const { ask } = makeWorld()
  const unhandled: unknown[] = []
  const note = (reason: unknown) => void unhandled.push(reason)
  process.on('unhandledRejection', note)
  try {
    const { errors = [] } = await inShortestPieces(async () => ask('{ rejecting { id } }'))
    expect(errors.map(({ path }) => path?.[1])).toEqual(Array.from({ length: ITEMS }, (_, n) => n))
  } finally {
    process.off('unhandledRejection', note)
  }
  expect(unhandled).toEqual([])
})
