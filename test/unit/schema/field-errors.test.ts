import { describe, expect, test } from '@jest/globals'
import { execute, GraphQLInt, GraphQLList, GraphQLObjectType, GraphQLSchema, parse } from 'graphql'
import { ownerId } from '../../../src/lib/ids.ts'
import { ANSWER_MAX_ERRORS, AnswerBudget } from '../../../src/schema/answers/answer-budget.ts'
import { FieldPieces } from '../../../src/schema/answers/field-pieces.ts'
import { stopAtErrors } from '../../../src/schema/field-errors.ts'
import { schema as lumeSchema } from '../../../src/schema/schema.ts'
import { countTurns } from '../../support/count-turns.ts'
import { inShortestPieces } from '../../support/hold-turn.ts'

/** A list of 1,000 items whose field fails as `fail` does. */
function schemaOf(fail: () => unknown) {
  const item = new GraphQLObjectType({
    name: 'Item',
    fields: { value: { type: new GraphQLList(GraphQLInt), resolve: fail } },
  })
  const items = { type: new GraphQLList(item), resolve: () => Array.from({ length: 1_000 }, () => ({})) }
  return stopAtErrors(
    new GraphQLSchema({ query: new GraphQLObjectType({ name: 'Query', fields: { items } }) }),
  )
}

const budget = () => new AnswerBudget(ownerId('acme'), { take: async () => () => {} })
const run = (schema: GraphQLSchema, answer: AnswerBudget) =>
  execute({ schema, document: parse('{ items { value } }'), contextValue: { answer } })

describe('errors of fields', () => {
  test('that are thrown stop the operation at the limit: no further resolver begins', async () => {
    let begun = 0
    const schema = schemaOf(() => {
      begun++
      throw new Error('no')
    })
    const first = budget()
    await run(schema, first)
    expect([begun, first.stop?.extensions.code]).toEqual([ANSWER_MAX_ERRORS, 'TOO_MANY_ERRORS'])
    // The next result of a subscription has a budget of its own.
    await run(schema, budget())
    expect(begun).toBe(2 * ANSWER_MAX_ERRORS)
  })

  test.each([
    ['promises that are rejected', () => Promise.reject(new Error('no'))],
    ['lists of rejected promises', () => [Promise.reject(new Error('no'))]],
    ['errors that are returned', () => new Error('no')],
  ])('of %s become one shared error after the limit', async (_kind, fail) => {
    const answer = budget()
    const { errors = [] } = await run(schemaOf(fail), answer)
    const shared = errors.filter((error) => error === answer.stop)
    expect(answer.stop).not.toBeNull()
    expect(errors.length - shared.length).toBeLessThanOrEqual(ANSWER_MAX_ERRORS)
  })

  test('below the limit change nothing', async () => {
    let left = ANSWER_MAX_ERRORS - 1
    const answer = budget()
    const { errors = [] } = await run(
      schemaOf(() => {
        if (left-- > 0) throw new Error('no')
        return [1]
      }),
      answer,
    )
    expect([errors.length, answer.stop]).toEqual([ANSWER_MAX_ERRORS - 1, null])
  })
})

describe('introspection', () => {
  const ask = (query: string, answer: AnswerBudget, pieces = new FieldPieces()) =>
    execute({ schema: lumeSchema, document: parse(query), contextValue: { answer, pieces } })

  test('reads the types of the schema in pieces, between which the event loop turns', async () => {
    const count = countTurns()
    const { data } = await inShortestPieces(async () =>
      ask('{ a: __schema { types { name } } b: __schema { types { name } } }', budget()),
    )
    count.stop()
    const { a, b } = data as Record<'a' | 'b', { types: { name: string }[] }>
    expect(a.types.map(({ name }) => name)).toEqual(Object.keys(lumeSchema.getTypeMap()))
    expect(b).toEqual(a)
    expect(count.turns).toBeGreaterThanOrEqual(2 * a.types.length)
  })

  test('beyond the limit of an answer ends with a hundred errors at most', async () => {
    const aliases = Array.from(
      { length: 40 },
      (_, index) => `a${index}: __schema { types { fields { name type { ofType { ofType { name } } } } } }`,
    )
    const answer = budget()
    const { errors = [] } = await ask(`{ ${aliases.join(' ')} }`, answer)
    expect(answer.refusal?.extensions.code).toBe('ANSWER_TOO_LARGE')
    expect(errors.filter((error) => error !== answer.stop).length).toBeLessThanOrEqual(ANSWER_MAX_ERRORS)
  })
})
