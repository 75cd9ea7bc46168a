import { describe, expect, test } from '@jest/globals'
import { execute, GraphQLInt, GraphQLList, GraphQLObjectType, GraphQLSchema, parse } from 'graphql'
import { ownerId } from '../../../src/lib/ids.ts'
import { ANSWER_MAX_ERRORS, AnswerBudget } from '../../../src/schema/answers/answer-budget.ts'
import { stopAtErrors } from '../../../src/schema/field-errors.ts'

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
