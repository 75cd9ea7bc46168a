import { describe, expect, test } from '@jest/globals'
import { fc } from '../../support/fast-check.ts'
import { CORE_BLOCKS } from '../../../src/blocks/core/core-blocks.ts'
import { BlockRegistry } from '../../../src/engine/block/registry.ts'
import type { Json, JsonObject } from '../../../src/lib/json/json.ts'
import { inOneGo } from '../../../src/lib/turns/pieces.ts'
import { compareDefinitions } from '../../../src/workflows/diff/compare.ts'
import { isEmptyDiff } from '../../../src/workflows/diff/definition-diff.ts'
import { valueChanges } from '../../../src/workflows/diff/value-changes.ts'

const registry = new BlockRegistry()
for (const block of CORE_BLOCKS) registry.register(block)

const diff = (before: Json, after: Json) => inOneGo(compareDefinitions(registry, before, after))
const reasons = (before: Json, after: Json) =>
  diff(before, after).breakingReasons.map(({ code, pointer }) => `${code} ${pointer}`)

const node = (id: string, value: Json = 1, rest: JsonObject = {}) => ({
  id,
  type: 'core.transform',
  config: { value },
  ...rest,
})
const edge = (source: string, target: string, rest: JsonObject = {}) => ({ source, target, ...rest })
const BASE = {
  nodes: [node('a', 1, { position: { x: 0, y: 0 } }), node('b', { deep: [1, 2] })],
  edges: [edge('a', 'b')],
}

describe('nodes', () => {
  test('are told as added and removed, whole', () => {
    const after = { nodes: [BASE.nodes[0] ?? null, node('c')], edges: [] }
    expect(diff(BASE, after).nodes).toEqual([
      { kind: 'REMOVED', path: 'b', before: BASE.nodes[1], after: null, changes: [] },
      { kind: 'ADDED', path: 'c', before: null, after: node('c'), changes: [] },
    ])
  })

  test('are told as changed, with the places, wherever they stand in the list', () => {
    const b = node('b', { deep: [1, 3, 4] }, { name: 'B' })
    const [change, ...others] = diff(BASE, { ...BASE, nodes: [b, BASE.nodes[0] ?? null] }).nodes
    expect(others).toEqual([])
    expect(change).toMatchObject({ kind: 'CHANGED', path: 'b' })
    expect(change?.changes).toEqual([
      { kind: 'CHANGED', pointer: '/nodes/0/config/value/deep/1', before: 2, after: 3 },
      { kind: 'ADDED', pointer: '/nodes/0/config/value/deep/2', after: 4 },
      { kind: 'ADDED', pointer: '/nodes/0/name', after: 'B' },
    ])
  })

  test('that only moved are told apart from those that changed, too', () => {
    const moved = (rest: JsonObject) => ({
      ...BASE,
      nodes: [node('a', 1, { position: { x: 5, y: 0 }, ...rest }), BASE.nodes[1] ?? null],
    })
    expect(diff(BASE, moved({})).nodes).toMatchObject([{ kind: 'MOVED', path: 'a' }])
    expect(diff(BASE, moved({})).breakingReasons).toEqual([])
    expect(diff(BASE, moved({ name: 'A' })).nodes).toMatchObject([{ kind: 'CHANGED', path: 'a' }])
  })

  test('of a loop’s body are compared on their own', () => {
    const loop = (body: JsonObject) => ({
      nodes: [{ id: 'each', type: 'core.forEach', config: { items: [], body } }],
      edges: [],
    })
    const before = loop({ nodes: [node('x'), node('y')], edges: [edge('x', 'y')] })
    const after = loop({ nodes: [node('new'), node('x', 2), node('y')], edges: [edge('x', 'y')] })
    expect(diff(before, after).nodes.map(({ kind, path }) => `${kind} ${path}`)).toEqual([
      'CHANGED each/x',
      'ADDED each/new',
    ])
    expect(diff(before, after).edges).toEqual([])
    expect(diff(before, after).nodes[0]?.changes).toEqual([
      {
        kind: 'CHANGED',
        pointer: '/nodes/0/config/body/nodes/1/config/value',
        before: 1,
        after: 2,
      },
    ])
  })
})

describe('edges', () => {
  test('are the same when they join the same nodes by the same handle', () => {
    const after = { ...BASE, edges: [edge('a', 'b', { id: 'e1', sourceHandle: 'out' })] }
    expect(diff(BASE, after).edges).toMatchObject([
      { kind: 'CHANGED', source: 'a', handle: 'out', target: 'b' },
    ])
  })

  test('by another handle are others', () => {
    const after = { ...BASE, edges: [edge('a', 'b', { sourceHandle: 'error' })] }
    expect(diff(BASE, after).edges.map(({ kind, handle }) => `${kind} ${handle}`)).toEqual([
      'REMOVED out',
      'ADDED error',
    ])
  })
})

test('variables, input schema, output, limits and the rest are told each for itself', () => {
  const before = {
    ...BASE,
    variables: { x: 1 },
    limits: { concurrency: 5 },
    output: { a: 1 },
    metadata: { note: 1 },
  }
  const after = {
    ...BASE,
    variables: { x: 2, y: 1 },
    inputSchema: { type: 'object' },
    output: { a: 1, b: 2 },
    limits: {},
    metadata: { note: 2 },
  }
  expect(diff(before, after)).toMatchObject({
    nodes: [],
    edges: [],
    variables: [
      { kind: 'CHANGED', pointer: '/variables/x', before: 1, after: 2 },
      { kind: 'ADDED', pointer: '/variables/y', after: 1 },
    ],
    inputSchema: [{ kind: 'ADDED', pointer: '/inputSchema', after: { type: 'object' } }],
    output: [{ kind: 'ADDED', pointer: '/output/b', after: 2 }],
    limits: [{ kind: 'REMOVED', pointer: '/limits/concurrency', before: 5 }],
    other: [{ kind: 'CHANGED', pointer: '/metadata/note', before: 1, after: 2 }],
  })
})

test.each<[what: string, draft: Json]>([
  ['no object', 5],
  ['no lists', { nodes: 5, edges: 'x', variables: [], inputSchema: 5 }],
  ['things that are no nodes', { nodes: [1, null, [], { config: 5 }], edges: [{}, 3] }],
  ['two nodes of one id', { nodes: [node('a'), node('a', 2)], edges: [edge('a', 'a'), edge('a', 'a')] }],
  ['names of Object’s own', { nodes: [node('constructor')], variables: { toString: 1 } }],
])('a draft with %s is compared as well', (_what, draft) => {
  expect(isEmptyDiff(diff(draft, draft))).toBe(true)
  expect(diff(draft, draft).breakingReasons).toEqual([])
  const there = diff(BASE, draft)
  expect(diff(draft, BASE).nodes).toHaveLength(there.nodes.length)
})

describe('a change is breaking when', () => {
  const input = (schema: Json) => ({ ...BASE, inputSchema: schema })
  const object = (properties: JsonObject, rest: JsonObject = {}) =>
    input({ type: 'object', properties, ...rest })

  test('a node is gone or is another block', () => {
    expect(reasons(BASE, { ...BASE, nodes: [BASE.nodes[0] ?? null], edges: [], output: '' })).toContain(
      'NODE_REMOVED /nodes/1',
    )
    const other = { ...BASE, nodes: [BASE.nodes[0] ?? null, { ...node('b'), type: 'core.delay' }] }
    expect(reasons(BASE, other)).toContain('NODE_TYPE_CHANGED /nodes/1/type')
  })

  test('a handle that an edge left by is gone', () => {
    const branch = (handles: readonly string[]) => ({
      nodes: [
        {
          id: 'way',
          type: 'core.branch',
          config: { cases: handles.map((handle) => ({ handle, when: 'true' })) },
        },
        node('end'),
      ],
      edges: [edge('way', 'end', { sourceHandle: handles[0] ?? '' })],
    })
    expect(reasons(branch(['hot', 'cold']), branch(['cold', 'hot']))).toEqual([])
    expect(reasons(branch(['hot', 'cold']), branch(['cold']))).toEqual(['HANDLE_REMOVED /edges/0'])
  })

  test('a handle for errors is gone with the route', () => {
    const routed = (rest: JsonObject) => ({
      nodes: [node('a', 1, rest), node('b')],
      edges: [edge('a', 'b', { sourceHandle: 'error' })],
    })
    expect(reasons(routed({ onError: 'route' }), routed({}))).toEqual(['HANDLE_REMOVED /edges/0'])
    expect(reasons(routed({ onError: 'route' }), routed({ onError: 'route' }))).toEqual([])
  })

  test.each<[what: string, before: Json, after: Json, expected: readonly string[]]>([
    [
      'an input is required that was not',
      object({ a: {} }),
      object({ a: {}, b: {} }, { required: ['b'] }),
      ['INPUT_REQUIRED_ADDED /inputSchema/properties/b'],
    ],
    [
      'an input is required further down',
      object({ a: { type: 'object' } }),
      object({ a: { type: 'object', required: ['x'] } }),
      ['INPUT_REQUIRED_ADDED /inputSchema/properties/a/properties/x'],
    ],
    [
      'an input’s type changed',
      object({ a: { type: 'string' } }),
      object({ a: { type: 'number' } }),
      ['INPUT_TYPE_CHANGED /inputSchema/properties/a'],
    ],
    [
      'an input has fewer values',
      object({ a: { enum: [1, 2] } }),
      object({ a: { enum: [1] } }),
      ['INPUT_TYPE_CHANGED /inputSchema/properties/a'],
    ],
    [
      'list items are of another type',
      object({ a: { type: 'array', items: { type: 'string' } } }),
      object({ a: { type: 'array', items: { type: 'integer' } } }),
      ['INPUT_TYPE_CHANGED /inputSchema/properties/a/items'],
    ],
    [
      'unknown fields are refused',
      object({ a: {} }),
      object({ a: {} }, { additionalProperties: false }),
      ['INPUT_FIELD_REFUSED /inputSchema/additionalProperties'],
    ],
    [
      'a field is refused',
      object({ a: {}, b: {} }, { additionalProperties: false }),
      object({ a: {} }, { additionalProperties: false }),
      ['INPUT_FIELD_REFUSED /inputSchema/properties/b'],
    ],
    ['nothing is accepted', BASE, input(false), ['INPUT_TYPE_CHANGED /inputSchema']],
    ['a schema appears', BASE, object({}), ['INPUT_TYPE_CHANGED /inputSchema']],
    [
      'a field of the output is gone',
      { ...BASE, output: { a: 1, b: { c: 1, d: 1 } } },
      { ...BASE, output: { b: { d: 1 } } },
      ['OUTPUT_FIELD_REMOVED /output/a', 'OUTPUT_FIELD_REMOVED /output/b/c'],
    ],
    [
      'an object becomes a text',
      { ...BASE, output: { a: 1 } },
      { ...BASE, output: 'x' },
      ['OUTPUT_REPLACED /output'],
    ],
    [
      'another node is the only leaf',
      BASE,
      { ...BASE, edges: [edge('b', 'a')] },
      ['OUTPUT_REPLACED /output'],
    ],
    [
      'a leaf of several is none any more',
      { nodes: [node('a'), node('b'), node('c')], edges: [] },
      { nodes: [node('a'), node('b'), node('c')], edges: [edge('a', 'b')] },
      ['OUTPUT_FIELD_REMOVED /output/a'],
    ],
    [
      'a variable is gone',
      { ...BASE, variables: { x: 1 } },
      { ...BASE, variables: {} },
      ['VARIABLE_REMOVED /variables/x'],
    ],
  ])('%s', (_what, before, after, expected) => {
    expect(reasons(before, after)).toEqual(expected)
  })

  test.each<[what: string, before: Json, after: Json]>([
    ['an optional input is added', object({ a: {} }), object({ a: {}, b: { type: 'string' } })],
    ['an input is widened', object({ a: { type: 'integer' } }), object({ a: { type: ['number', 'null'] } })],
    ['a required input becomes optional', object({ a: {} }, { required: ['a'] }), object({ a: {} })],
    ['the schema goes', object({ a: {} }, { required: ['a'] }), BASE],
    ['a field of the output is added', { ...BASE, output: { a: 1 } }, { ...BASE, output: { a: 1, b: 1 } }],
    ['a template gives something else', { ...BASE, output: '{{ 1 }}' }, { ...BASE, output: '{{ 2 }}' }],
    ['a config changes', BASE, { ...BASE, nodes: [BASE.nodes[0] ?? null, node('b', 'other')] }],
  ])('but not when %s', (_what, before, after) => {
    expect(reasons(before, after)).toEqual([])
  })
})

const anyJson = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>
const anyDraft: fc.Arbitrary<JsonObject> = fc
  .record({
    nodes: fc.uniqueArray(
      fc.record({
        id: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
        type: fc.constantFrom('core.transform', 'core.branch', 'no.such'),
        config: fc.record({ value: anyJson }),
        position: fc.record({ x: fc.nat(2), y: fc.nat(2) }),
      }),
      { selector: ({ id }) => id },
    ),
    edges: fc.uniqueArray(
      fc.record({ source: fc.constantFrom('a', 'b', 'c'), target: fc.constantFrom('c', 'd', 'e') }),
      { selector: (one) => JSON.stringify(one) },
    ),
    variables: fc.dictionary(fc.constantFrom('x', 'y'), anyJson),
    output: anyJson,
  })
  .map((draft) => draft as JsonObject)

describe('for all definitions', () => {
  test('one compared to itself, its lists in any order, gives nothing', () => {
    fc.assert(
      fc.property(anyDraft, (draft) => {
        const nodes = (draft.nodes as readonly Json[]).toReversed()
        const edges = (draft.edges as readonly Json[]).toReversed()
        const same = diff(draft, { ...draft, edges, nodes })
        expect(isEmptyDiff(same)).toBe(true)
        // Which leaf stands first decides nothing about the output.
        expect(same.breakingReasons).toEqual([])
      }),
      { numRuns: 100 },
    )
  })

  test('what is added one way is removed the other way', () => {
    fc.assert(
      fc.property(anyDraft, anyDraft, (before, after) => {
        const [there, back] = [diff(before, after), diff(after, before)]
        const ids = (kind: string, { nodes, edges }: typeof there) => [
          ...nodes.filter((change) => change.kind === kind).map(({ path }) => path),
          ...edges
            .filter((change) => change.kind === kind)
            .map(({ source, target }) => `${source} to ${target}`),
        ]
        expect(ids('ADDED', there).sort()).toEqual(ids('REMOVED', back).sort())
        expect(ids('CHANGED', there).sort()).toEqual(ids('CHANGED', back).sort())
        expect(ids('MOVED', there).sort()).toEqual(ids('MOVED', back).sort())
      }),
      { numRuns: 100 },
    )
  })

  test('the changes of the nodes lead from the earlier nodes to the later ones', () => {
    fc.assert(
      fc.property(anyDraft, anyDraft, (before, after) => {
        const nodes = new Map(nodesOf(before))
        for (const change of diff(before, after).nodes) {
          expect(nodes.get(change.path) ?? null).toEqual(change.before)
          if (change.after) nodes.set(change.path, change.after)
          else nodes.delete(change.path)
        }
        expect(nodes).toEqual(new Map(nodesOf(after)))
      }),
      { numRuns: 100 },
    )
  })

  test('two values differ at some place or are equal', () => {
    fc.assert(
      fc.property(anyJson, anyJson, (before, after) => {
        expect(inOneGo(valueChanges(before, before, ''))).toEqual([])
        const isEqual = sorted(before) === sorted(after)
        expect(inOneGo(valueChanges(before, after, '')).length === 0).toBe(isEqual)
      }),
      { numRuns: 200 },
    )
  })
})

function nodesOf(draft: JsonObject): readonly (readonly [string, JsonObject])[] {
  return (draft.nodes as readonly JsonObject[]).map((one) => [one.id as string, one])
}

/** The text of a value with its keys in order; -0 is 0, as in JSON. */
function sorted(value: Json): string {
  return JSON.stringify(value, (_key, one: Json) =>
    typeof one === 'object' && one !== null && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : one,
  )
}

test('a draft that holds one edge 60,000 times is compared in one walk over its edges', () => {
  const draft = { nodes: [], edges: Array.from({ length: 60_000 }, () => ({})) }
  expect(isEmptyDiff(diff(draft, draft))).toBe(true)
})

describe('the text of a diff is bounded:', () => {
  const transforms = (count: number) => Array.from({ length: count }, (_, i) => node(`n${i}`))
  const loopOf = (id: string, count: number): JsonObject => ({
    nodes: [
      { id, type: 'core.forEach', config: { items: [], body: { nodes: transforms(count), edges: [] } } },
    ],
    edges: [],
  })
  const keyed = (key: string, value: Json): JsonObject => ({
    nodes: [node('a', { [key]: Array.from({ length: 100 }, () => value) })],
    edges: [],
  })
  const tooLarge = expect.objectContaining({ code: 'DIFF_TOO_LARGE' })

  test('a long key above many changed values is refused', () => {
    const key = 'k'.repeat(500_000)
    expect(() => diff(keyed(key, 1), keyed(key, 2))).toThrow(tooLarge)
    expect(diff(keyed(key, 1), keyed(key, 1)).nodes).toEqual([])
  })

  test('a long id of a loop above many nodes is refused, on either side', () => {
    const long = loopOf('l'.repeat(500_000), 100)
    const plain = loopOf('l', 100)
    expect(() => diff(long, plain)).toThrow(tooLarge)
    expect(() => diff(plain, long)).toThrow(tooLarge)
    expect(() => diff(long, long)).toThrow(tooLarge)
    expect(diff(plain, plain).nodes).toEqual([])
  })

  test('long ids at the ends of many edges of a loop are refused', () => {
    const edges = Array.from({ length: 100 }, (_, i) => ({ source: 'n0', target: `n${i}` }))
    const looped = (id: string) => ({
      nodes: [{ id, type: 'core.forEach', config: { items: [], body: { nodes: [], edges } } }],
    })
    expect(() => diff(looped('l'.repeat(500_000)), {})).toThrow(tooLarge)
    expect(diff(looped('l'), {}).edges).toHaveLength(100)
  })
})

test('the handles of a node are asked for once, however many edges leave it', () => {
  let asked = 0
  const counting: Pick<BlockRegistry, 'get'> = {
    get: (type) => {
      const block = registry.get(type)
      return block && { ...block, handles: (config) => (asked++, block.handles(config)) }
    },
  }
  const handles = Array.from({ length: 500 }, (_, i) => `h${i}`)
  const branch = (names: readonly string[]): JsonObject => ({
    nodes: [
      { id: 'b', type: 'core.branch', config: { cases: names.map((handle) => ({ handle, when: 'true' })) } },
      node('a'),
    ],
    edges: handles.map((sourceHandle) => ({ source: 'b', sourceHandle, target: 'a' })),
  })
  const { breakingReasons } = inOneGo(
    compareDefinitions(counting, branch(handles), branch(handles.slice(100))),
  )
  expect(breakingReasons.filter(({ code }) => code === 'HANDLE_REMOVED')).toHaveLength(100)
  expect(asked).toBe(2)
})

test('two definitions of many values are compared in pieces', () => {
  const document = (value: number): JsonObject => ({
    nodes: [
      node(
        'a',
        Array.from({ length: 100_000 }, () => value),
      ),
    ],
    edges: [],
  })
  const pieces = compareDefinitions(registry, document(1), document(2))
  let count = 0
  while (!pieces.next().done) count++
  expect(count).toBeGreaterThan(20)
})
