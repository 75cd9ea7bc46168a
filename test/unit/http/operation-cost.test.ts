import { describe, expect, test } from '@jest/globals'
import { isObjectType, Kind, parse, visit, type DocumentNode } from 'graphql'
import { DETAILS, HELD_VALUES } from '../../../src/http/limits/field-weight.ts'
import { graphiqlTabs } from '../../../src/http/graphiql/graphiql-tabs.ts'
import { costOf, MAX_COST } from '../../../src/http/limits/operation-cost.ts'
import { schema } from '../../../src/schema/schema.ts'

function cost(query: string, variableValues: Readonly<Record<string, unknown>> = {}): number {
  return costOf({ schema, document: parse(query), variableValues })
}

describe('the cost of a payload', () => {
  const execution = (fields: string) => cost(`{ execution(id: "x") { ${fields} } }`) - 1

  test.each([
    ['input output variables definition', 400],
    ['metadata', 5],
    ['graph { nodes { id } edges { source } }', 100 + 1 + 10 + 10],
    ['graph { nodes { config document } }', 100 + 1 + 10 * (1 + 2 + 2)],
    ['error { details }', 1 + 5],
    ['job { result }', 1 + 100],
    ['workflow { diagnostics { code } diff { breaking } }', 1 + 100 + 10 + 200 + 1],
    ['id status tags', 0],
    ['events(first: 1000) { events { ... on StepStreamEvent { text } } }', 1 + 1000 * (1 + 5)],
  ])('of an execution’s { %s } is %i', (fields, expected) => {
    expect(execution(fields)).toBe(expected)
  })

  test('multiplies with the pages around it, however it is asked for', () => {
    const page = (fields: string) =>
      `{ workflows(first: 100) { edges { node { executions(first: 100) { edges { node { ${fields} } } } } } } }`
    expect(cost(page('id'))).toBeLessThan(MAX_COST)
    for (const fields of [
      'input',
      'i: input',
      '... on Execution { output }',
      'job { result }',
      'graph { nodes { id } }',
    ])
      expect(cost(page(fields))).toBeGreaterThan(MAX_COST)
    expect(cost(`${page('...F')} fragment F on Execution { variables }`)).toBeGreaterThan(MAX_COST)
  })

  test('leaves room for a page of 20, and for one of 100, with two of them', () => {
    const page = (first: string) => `{ executions${first} { edges { node { id input output } } } }`
    expect(cost(page(''))).toBe(1 + 20 * (1 + 1 + 200))
    expect(cost(page('(first: 100)'))).toBeLessThan(MAX_COST)
  })

  test('is a small one only for fields that there are', () => {
    const fields = Object.values(schema.getTypeMap())
      .filter(isObjectType)
      .flatMap((type) => Object.keys(type.getFields()).map((name) => `${type.name}.${name}`))
    expect([...DETAILS, ...HELD_VALUES].filter((place) => !fields.includes(place))).toEqual([])
  })
})

describe('the cost of a document that is sent again', () => {
  test('is that of its variables, wherever they are', () => {
    const pages = parse(`query ($first: Int, $id: ID!) {
      executions(first: $first) { edges { node { id output } } }
      nodes(ids: [$id, $id, $id]) { id }
    }`)
    const of = (first: number) =>
      costOf({ schema, document: pages, variableValues: { first, id: 'x' }, operationName: null })
    expect([of(10), of(100), of(10)]).toEqual([
      1 + 10 * (1 + 1 + 100) + 3,
      1 + 100 * (1 + 1 + 100) + 3,
      1 + 10 * (1 + 1 + 100) + 3,
    ])
  })

  test('is that of the operation that is named', () => {
    const document = parse('query A { viewer { role } } query B { executions(first: 7) { totalCount } }')
    const of = (operationName: string) => costOf({ schema, document, operationName })
    expect([of('A'), of('B'), of('A'), of('B')]).toEqual([1, 1, 1, 1])
    const lists = parse('query A { viewer { role } } query B { executions(first: 7) { edges { cursor } } }')
    const ofLists = (operationName: string) => costOf({ schema, document: lists, operationName })
    expect([ofLists('A'), ofLists('B'), ofLists('A'), ofLists('B')]).toEqual([1, 8, 1, 8])
  })
})

describe('the cost of a list', () => {
  test('that takes a `first` of its own is counted by it', () => {
    const schedule = (fields: string) => cost(`{ schedule(id: "x") { ${fields} } }`) - 1
    expect(schedule('lastOccurrences(first: 100) { scheduledFor }')).toBe(100)
    expect(schedule('lastOccurrences { scheduledFor }')).toBe(10)
    expect(schedule('nextRuns(first: 100)')).toBe(100)
    expect(schedule('nextRuns')).toBe(5)
  })

  test('without one is counted as 10, also in an item of one that has one', () => {
    const simulated = (steps: string) =>
      cost(
        `mutation { simulateWorkflow(input: { definition: {} }) { ... on SimulateWorkflowPayload { ${steps} } } }`,
      ) - 1
    expect(simulated('steps(first: 3) { path attempts { number } }')).toBe(3 * (1 + 10))
    expect(simulated('steps { path }')).toBe(1_000)
  })
})

test('every example of GraphiQL is far from the most that an operation may cost', async () => {
  for (const { query } of await graphiqlTabs('http://localhost:4000')) {
    const document = withoutDemands(parse(query))
    expect(costOf({ schema, document, variableValues: {} })).toBeLessThan(MAX_COST / 4)
  }
})

/** The same with variables that may be left out. */
function withoutDemands(document: DocumentNode): DocumentNode {
  const softened: DocumentNode = visit(document, {
    VariableDefinition: (node) =>
      node.type.kind === Kind.NON_NULL_TYPE ? { ...node, type: node.type.type } : undefined,
  })
  return softened
}
