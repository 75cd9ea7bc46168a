import {
  getNullableType,
  isInputObjectType,
  isInterfaceType,
  isListType,
  isObjectType,
  type GraphQLArgument,
  type GraphQLInputField,
  type GraphQLSchema,
} from 'graphql'

/** Maximum number of items of a list argument or a list field of an input that sets no other limit. */
export const LIST_MAX_ITEMS = 100
/** Maximum number of UTF-16 units of a `String` input that sets no other limit; free text is shorter everywhere. */
export const STRING_MAX_LENGTH = 100_000
/** Maximum number of UTF-16 units of an `ID`, a time, an enum value, and any other scalar but `String` and `JSON`. */
export const NAME_MAX_LENGTH = 2_000

/** `toLocaleString` makes a formatter for each call, and the calls of this file took 100 ms of each start of a server. */
const english = new Intl.NumberFormat('en')

type Input = Pick<GraphQLArgument | GraphQLInputField, 'type' | 'extensions'>

/** The maximum number of items that an input takes, at each level of its list type. Null: its type is no list. */
export function maxItemsOf({ type, extensions }: Input): number | null {
  if (!isListType(getNullableType(type))) return null
  const { maxItems } = extensions
  return typeof maxItems === 'number' ? maxItems : LIST_MAX_ITEMS
}

/**
 * Gives every list argument and every list field of an input its limit, and adds the limit to its description. A field
 * sets another limit than `LIST_MAX_ITEMS` by `extensions: { maxItems }`; `useInputLimits` of the HTTP layer enforces it
 * before anything reads the list. `extensions: { acceptedItems }` is a lower limit that the field's own code enforces,
 * with a typed error.
 */
export function describeListLimits(schema: GraphQLSchema): GraphQLSchema {
  for (const input of inputsOf(schema)) {
    const maxItems = maxItemsOf(input)
    if (maxItems === null) continue
    const { acceptedItems } = input.extensions
    input.extensions = { ...input.extensions, maxItems }
    input.description = `${input.description ?? ''} ${listLimitText(maxItems, acceptedItems)}`.trim()
  }
  return schema
}

/** The sentence that states the limit of a list in its description. */
export function listLimitText(maxItems: number, acceptedItems?: unknown): string {
  const most = english.format(maxItems)
  if (typeof acceptedItems !== 'number') return `At most ${most} items.`
  return `At most ${english.format(acceptedItems)} items; a list of more than ${most} is refused unread.`
}

/** Every argument of every field and directive, and every field of every input type. */
export function* inputsOf(schema: GraphQLSchema): Iterable<GraphQLArgument | GraphQLInputField> {
  // An argument map may be shared between fields, such as `after` and `kinds`; graphql-js copies it for each field.
  for (const type of Object.values(schema.getTypeMap())) {
    if (type.name.startsWith('__')) continue
    if (isInputObjectType(type)) yield* Object.values(type.getFields())
    if (isObjectType(type) || isInterfaceType(type)) {
      for (const { args } of Object.values(type.getFields())) yield* args
    }
  }
  for (const { args } of schema.getDirectives()) yield* args
}
