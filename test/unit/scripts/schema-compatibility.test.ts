import { describe, expect, test } from '@jest/globals'
import { buildSchema } from 'graphql'
import { acceptedPaths, unacceptedChanges } from '../../../scripts/schema-compatibility.ts'

const EARLIER = `
  type Query { thing(id: ID!): Thing things(first: Int): [Thing!]! }
  type Thing { id: ID! name: String! old: String @deprecated(reason: "Use name.") }
`

async function pathsOf(later: string, accepted: readonly string[] = []): Promise<readonly string[]> {
  const changes = await unacceptedChanges(buildSchema(EARLIER), buildSchema(later), new Set(accepted))
  return changes.map(({ path }) => path)
}

describe('a change of the schema', () => {
  test('that adds fields and optional arguments breaks nobody', async () => {
    const later = EARLIER.replace('first: Int', 'first: Int after: String').replace(
      'name:',
      'size: Int name:',
    )
    expect(await pathsOf(later)).toEqual([])
  })

  test.each([
    ['removes a field', EARLIER.replace('name: String!', ''), 'Thing.name'],
    ['lets a field be null', EARLIER.replace('name: String!', 'name: String'), 'Thing.name'],
    ['removes an argument', EARLIER.replace('(first: Int)', ''), 'Query.things.first'],
    ['asks for an argument', EARLIER.replace('first: Int', 'first: Int!'), 'Query.things.first'],
  ])('that %s is told', async (_what, later, path) => {
    expect(await pathsOf(later)).toEqual([path])
  })

  test('may remove what was deprecated', async () => {
    expect(await pathsOf(EARLIER.replace('old: String @deprecated(reason: "Use name.")', ''))).toEqual([])
  })

  test('may be accepted, by its path', async () => {
    expect(await pathsOf(EARLIER.replace('name: String!', ''), ['Thing.name'])).toEqual([])
  })
})

test('a change is accepted by a row that gives a reason', () => {
  const page = [
    'Text with `Some.code` in it.',
    '| path | why |',
    '| --- | --- |',
    '| `Thing.name` | it never had one |',
    '| `Thing.size` |  |',
  ].join('\n')
  expect([...acceptedPaths(page)]).toEqual(['Thing.name'])
})
