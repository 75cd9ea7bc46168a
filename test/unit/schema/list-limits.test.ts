import { expect, test } from '@jest/globals'
import { getNullableType, isListType, type GraphQLArgument, type GraphQLInputField } from 'graphql'
import { schema } from '../../../src/schema/schema.ts'
import { inputsOf, listLimitText, maxItemsOf } from '../../../src/schema/list-limits.ts'

const lists = [...inputsOf(schema)].filter(({ type }) => isListType(getNullableType(type)))

test('every list argument and every list field of an input has a limit, and its description states it', () => {
  const silent = lists.filter((input) => {
    const { maxItems, acceptedItems } = input.extensions
    if (typeof maxItems !== 'number' || maxItemsOf(input) !== maxItems) return true
    return !input.description?.endsWith(listLimitText(maxItems, acceptedItems))
  })
  expect(silent.map(nameOf)).toEqual([])
  expect(lists.length).toBeGreaterThan(20)
})

test('no limit of a list is higher than what a request may hold', () => {
  expect(lists.filter((input) => (maxItemsOf(input) ?? Infinity) > 50_000).map(nameOf)).toEqual([])
})

function nameOf({ name, description }: GraphQLArgument | GraphQLInputField): string {
  return `${name}: ${description ?? ''}`
}
