import { readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import {
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isSpecifiedScalarType,
  lexicographicSortSchema,
  printSchema,
  type GraphQLNamedType,
} from 'graphql'
import { schema } from '../../../src/schema/schema.ts'

const types = Object.values(schema.getTypeMap()).filter(
  (type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type),
)

interface Described {
  readonly description?: string | null | undefined
}

/** Every member of a type that a reader of the schema meets, under the name by which it is found. */
function* membersOf(type: GraphQLNamedType): Generator<readonly [name: string, member: Described]> {
  yield [type.name, type]
  if (isEnumType(type)) {
    for (const value of type.getValues()) yield [`${type.name}.${value.name}`, value]
  }
  if (isInputObjectType(type)) {
    for (const field of Object.values(type.getFields())) yield [`${type.name}.${field.name}`, field]
  }
  if (isObjectType(type) || isInterfaceType(type)) {
    for (const field of Object.values(type.getFields())) {
      yield [`${type.name}.${field.name}`, field]
      for (const argument of field.args) yield [`${type.name}.${field.name}(${argument.name})`, argument]
    }
  }
}

const objects = types.filter((type) => isObjectType(type))
const events = objects.filter((type) => type.getInterfaces().some(({ name }) => name === 'JobEvent'))
const errors = objects.filter((type) => type.getInterfaces().some(({ name }) => name === 'Error'))

describe('the schema', () => {
  test('describes every type, field, argument and enum value, in whole sentences', () => {
    const members = types.flatMap((type) => [...membersOf(type)])
    expect(members.length).toBeGreaterThan(300)
    expect(members.filter(([, { description }]) => !description).map(([name]) => name)).toEqual([])
    const isSentence = ({ description }: Described) => /^[A-Z\d`].*[.!?]$/s.test(description ?? '')
    expect(members.filter(([, member]) => !isSentence(member)).map(([name]) => name)).toEqual([])
  })

  test('is printed in schema.graphql as it is', () => {
    const printed = readFileSync(new URL('../../../schema.graphql', import.meta.url), 'utf8')
    expect(printed).toBe(`${printSchema(lexicographicSortSchema(schema))}\n`)
  })

  test('gives every connection the same arguments and the same form', () => {
    const connections = objects.filter(({ name }) => name.endsWith('Connection'))
    expect(connections.map(({ name }) => name).sort()).toEqual([
      'ApiKeyConnection',
      'ContactConnection',
      'ExecutionConnection',
      'JobConnection',
      'ScheduleConnection',
      'StepConnection',
      'WorkflowConnection',
      'WorkflowVersionConnection',
    ])
    for (const connection of connections) {
      expect(Object.keys(connection.getFields()).sort()).toEqual(['edges', 'pageInfo', 'totalCount'])
    }
    for (const type of objects) {
      for (const { type: of, args } of Object.values(type.getFields())) {
        if (!String(of).endsWith('Connection!')) continue
        expect(args.map(({ name }) => name)).toEqual(
          expect.arrayContaining(['first', 'after', 'last', 'before']),
        )
        expect(args.find(({ name }) => name === 'first')?.description).toMatch(/up to \d+; default \d+/)
      }
    }
  })

  test('lets one selection hold the fields of all events: none has two types', () => {
    const typesOf = new Map<string, Set<string>>()
    for (const event of events) {
      for (const { name, type } of Object.values(event.getFields())) {
        typesOf.set(name, (typesOf.get(name) ?? new Set()).add(String(type)))
      }
    }
    expect([...typesOf].filter(([, of]) => of.size > 1)).toEqual([])
  })

  test('has a type for every kind of event, named after it', () => {
    const kinds = schema.getType('JobEventKind')
    if (!isEnumType(kinds)) throw new Error('there is no JobEventKind')
    const names = kinds
      .getValues()
      .map(
        ({ name }) =>
          `${name.toLowerCase().replace(/(?:^|_)(.)/g, (_, letter: string) => letter.toUpperCase())}Event`,
      )
    expect(events.map(({ name }) => name).sort()).toEqual(names.sort())
  })

  test('answers every mutation with one `input` by a union of its payload and typed errors', () => {
    for (const { name, args, type } of Object.values(schema.getMutationType()?.getFields() ?? {})) {
      expect(args.map((argument) => [argument.name, String(argument.type)])).toEqual([
        ['input', `${capitalized(name)}Input!`],
      ])
      expect(String(type)).toBe(`${capitalized(name)}Result!`)
      const union = schema.getType(`${capitalized(name)}Result`)
      const members = schema.getPossibleTypes(union as never).map((member) => member.name)
      expect(members).toContain(`${capitalized(name)}Payload`)
      const rest = members.filter((member) => member !== `${capitalized(name)}Payload`)
      expect(rest.filter((member) => !errors.some((error) => error.name === member))).toEqual([])
      expect(rest.length).toBeGreaterThan(0)
    }
  })
})

function capitalized(name: string): string {
  return `${name.charAt(0).toUpperCase()}${name.slice(1)}`
}
