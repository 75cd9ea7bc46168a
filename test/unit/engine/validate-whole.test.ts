import { describe, expect, test } from '@jest/globals'
import { z } from 'zod'
import { defineBlock } from '../../../src/engine/block/define-block.ts'
import type { Diagnostic } from '../../../src/engine/definition/diagnostics.ts'
import { findComponents } from '../../../src/engine/validate/components.ts'
import { PlanCache, withMissingSecrets } from '../../../src/engine/validate/plan-cache.ts'
import {
  validateDefinition,
  type ValidationOptions,
} from '../../../src/engine/validate/validate-definition.ts'
import type { JsonObject } from '../../../src/lib/json/json.ts'
import { fc } from '../../support/fast-check.ts'
import { definition, forEach, registryWith, scriptedBlocks } from '../../support/run-definition.ts'

const notRun = () => Promise.reject(new Error('not run here'))
const about = { name: 'Test', description: 'Does nothing.', output: z.unknown(), sample: null, run: notRun }
const blocks = registryWith([
  ...scriptedBlocks({}),
  defineBlock({
    ...about,
    type: 'test.mail',
    config: z.strictObject({
      to: z.string().describe('Who gets it.'),
      from: z.strictObject({ name: z.string() }).optional(),
    }),
  }),
  defineBlock({ ...about, type: 'test.old', config: z.looseObject({}), deprecated: 'Use test.call.' }),
  defineBlock({ ...about, type: 'test.crm', config: z.looseObject({}), secrets: ['CRM_KEY'] }),
  defineBlock({
    ...about,
    type: 'test.moody',
    config: z.looseObject({}),
    handles: () => {
      throw new Error('not today')
    },
  }),
])

const validate = (document: unknown, options: Partial<ValidationOptions> = {}) =>
  validateDefinition(document, { blocks, ...options })
const diagnose = (document: unknown, options: Partial<ValidationOptions> = {}): readonly Diagnostic[] =>
  validate(document, options).diagnostics
const codes = (document: unknown, options: Partial<ValidationOptions> = {}) =>
  diagnose(document, options).map(({ code, pointer }) => `${code} ${pointer}`)

describe('all of a definition is checked, whatever else is wrong with it', () => {
  test('one document with something of every kind', () => {
    const document = {
      inputSchema: { type: 'object', properties: { name: { type: 'string' } }, additionalProperties: false },
      variables: { city: 'Basel' },
      limits: { concurrency: 0 },
      nodes: [
        { id: 'start', type: 'test.call' },
        { id: 'start', type: 'test.call' },
        { id: 'a/b', type: 'test.call' },
        { id: 'typo', type: 'core.fliter' },
        { id: 'mail', type: 'test.mail', config: { too: 1 } },
        { id: 'syntax', type: 'test.call', config: { x: '{{ 1 + }}' } },
        { id: 'name', type: 'test.call', config: { x: '{{ inptu }}' } },
        { id: 'gone', type: 'test.call', config: { x: '{{ nodes.nowhere.output }}' } },
        { id: 'aside', type: 'test.call', config: { x: '{{ nodes.start.output }}' } },
        { id: 'wrong', type: 'test.call', config: { x: '{{ input.nmae }}' } },
        { id: 'clash', type: 'core.filter', config: { items: '{{ input.name }}', condition: 'true' } },
        { id: 'pure', type: 'test.pure', config: { x: '{{ secrets.KEY }}' } },
        { id: 'crm', type: 'test.crm' },
        { id: 'old', type: 'test.old' },
        { id: 'x', type: 'test.call' },
        { id: 'y', type: 'test.call' },
        { id: 'z', type: 'test.call' },
        { id: 'late', type: 'test.call', retry: { maxAttempts: 0 } },
      ],
      edges: [
        { source: 'start' },
        { source: 'start', target: 'nobody' },
        { source: 'start', target: 'mail' },
        { source: 'start', target: 'mail' },
        { source: 'start', target: 'late', sourceHandle: 'left' },
        { source: 'x', target: 'y' },
        { source: 'y', target: 'x' },
      ],
    }
    expect(new Set(diagnose(document, { secretNames: new Set() }).map(({ code }) => code))).toEqual(
      new Set([
        'DEFINITION_MALFORMED',
        'NODE_ID_DUPLICATE',
        'BLOCK_UNKNOWN',
        'CONFIG_REQUIRED',
        'CONFIG_INVALID',
        'EXPRESSION_INVALID',
        'NAME_UNKNOWN',
        'NODE_UNKNOWN',
        'INPUT_UNDECLARED',
        'TYPE_CLASH',
        'SECRET_IN_PURE_BLOCK',
        'SECRET_UNAVAILABLE',
        'BLOCK_DEPRECATED',
        'EDGE_DANGLING',
        'EDGE_DUPLICATE',
        'HANDLE_UNKNOWN',
        'GRAPH_CYCLE',
        'VARIABLE_UNUSED',
      ]),
    )
    const malformed = diagnose(document).filter(({ code }) => code === 'DEFINITION_MALFORMED')
    expect(malformed.map(({ pointer }) => pointer).toSorted()).toEqual([
      '/edges/0/target',
      '/limits/concurrency',
      '/nodes/17/retry/maxAttempts',
      '/nodes/2/id',
    ])
  })

  test('places are those of the document, though a part before them is left out', () => {
    const document = {
      nodes: [
        { id: 'bad', type: 5 },
        { id: 'a', type: 'test.call', config: { x: '{{ 1 + }}' } },
      ],
      edges: [null, { source: 'a', target: 'nobody' }],
    }
    expect(codes(document)).toEqual([
      'DEFINITION_MALFORMED /nodes/0/type',
      'DEFINITION_MALFORMED /edges/0',
      'EDGE_DANGLING /edges/1/target',
      'EXPRESSION_INVALID /nodes/1/config/x',
    ])
  })

  test('a malformed node is known by its id: no edge dangles and no reference fails because of it', () => {
    const document = {
      nodes: [
        { id: 'a', type: 'test.call' },
        { id: 'bad', type: 'test.call', config: 'none', onError: 'route' },
        { id: 'b', type: 'test.call', config: { x: '{{ nodes.a.output + nodes.bad.output }}' } },
      ],
      edges: [
        { source: 'a', target: 'bad' },
        { source: 'bad', target: 'b', sourceHandle: 'anything' },
      ],
    }
    expect(codes(document)).toEqual(['DEFINITION_MALFORMED /nodes/1/config'])
  })

  test('an id that cannot be one still names its node', () => {
    const document = {
      nodes: [
        { id: 'a/b', type: 'test.call' },
        { id: 'c', type: 'test.call', config: { x: '{{ nodes["a/b"].output }}' } },
      ],
      edges: [{ source: 'a/b', target: 'c' }],
    }
    expect(codes(document)).toEqual(['DEFINITION_MALFORMED /nodes/0/id'])
  })

  test('without a malformed edge nobody knows what is upstream of what', () => {
    const nodes = { a: {}, b: { config: { x: '{{ nodes.a.output }} {{ error.code }}' } } }
    const document = { ...definition(nodes), edges: [{ source: 'a', target: 'b', sourceHandle: 5 }] }
    expect(codes(document)).toEqual(['DEFINITION_MALFORMED /edges/0/sourceHandle'])
  })

  test('a node whose retry is malformed is checked in everything else', () => {
    const document = definition({ a: { retry: { maxAttempts: 0 }, config: { x: '{{ 1 + }}' } } })
    expect(codes(document)).toEqual([
      'DEFINITION_MALFORMED /nodes/0/retry/maxAttempts',
      'EXPRESSION_INVALID /nodes/0/config/x',
    ])
  })

  test('without nodes, the rest is still looked at', () => {
    expect(codes({ nodes: 'many', inputSchema: { type: 'text' }, limits: 5 })).toEqual([
      'DEFINITION_MALFORMED /limits',
      'INPUT_SCHEMA_INVALID /inputSchema',
      'DEFINITION_MALFORMED /nodes',
    ])
  })

  test('variables that cannot be read are not missed', () => {
    const document = { ...definition({ a: { config: { x: '{{ variables.city }}' } } }), variables: 'none' }
    expect(codes(document)).toEqual(['DEFINITION_MALFORMED /variables'])
  })

  test('inside of a body, too', () => {
    const body: JsonObject = {
      nodes: [
        { id: 'bad', type: 1 },
        { id: 'x', type: 'test.call', config: { y: '{{ 1 + }}' } },
      ],
      edges: [{ source: 'bad', target: 'x' }],
    }
    expect(codes(definition({ loop: forEach(body) }))).toEqual([
      'DEFINITION_MALFORMED /nodes/0/config/body/nodes/0/type',
      'EXPRESSION_INVALID /nodes/0/config/body/nodes/1/config/y',
    ])
  })

  test('a block that cannot say its handles spoils its own node alone', () => {
    const document = definition(
      { a: { type: 'test.moody' }, b: { config: { x: '{{ 1 + }}' } } },
      'a:somewhere > b',
    )
    expect(codes(document)).toEqual([
      'CONFIG_INVALID /nodes/0/config',
      'EXPRESSION_INVALID /nodes/1/config/x',
    ])
  })
})

describe('GRAPH_CYCLE', () => {
  test('one for each knot of nodes, with a shortest cycle in the order of its edges', () => {
    const document = definition(
      { a: {}, b: {}, c: {}, d: {}, e: {}, f: {}, self: {} },
      'a > b > c > d > a',
      'c > a',
      'e > f > e',
      'self > self',
    )
    const cycles = diagnose(document).filter(({ code }) => code === 'GRAPH_CYCLE')
    expect(cycles.map(({ relatedNodeIds }) => relatedNodeIds)).toEqual([
      ['a', 'b', 'c'],
      ['e', 'f'],
      ['self'],
    ])
  })

  test('what is not on it is still told apart from what is upstream', () => {
    const document = definition(
      { a: {}, b: {}, c: { config: { x: '{{ nodes.d.output }}' } }, d: {} },
      'a > b > a',
      'd > a',
    )
    expect(codes(document)).toEqual(['GRAPH_CYCLE /edges', 'NODE_NOT_UPSTREAM /nodes/2/config/x'])
  })

  test('components agree with the plain definition: each is on a cycle with all of its own', () => {
    const graphs = fc.integer({ min: 1, max: 7 }).chain((count) =>
      fc.record({
        count: fc.constant(count),
        edges: fc.array(fc.record({ source: fc.nat(count - 1), target: fc.nat(count - 1) }), {
          maxLength: 14,
        }),
      }),
    )
    fc.assert(
      fc.property(graphs, ({ count, edges }) => {
        const { of, cycles, isCyclic } = findComponents(count, edges)
        const reaches = Array.from({ length: count }, (_, from) => reachable(from, edges))
        for (let a = 0; a < count; a++) {
          expect(isCyclic(a)).toBe(reaches[a]?.has(a))
          for (let b = 0; b < count; b++) {
            const together = a === b || ((reaches[a]?.has(b) ?? false) && (reaches[b]?.has(a) ?? false))
            expect(of[a] === of[b]).toBe(together)
          }
        }
        for (const { source, target } of edges) expect(of[source]).toBeGreaterThanOrEqual(of[target] ?? 0)
        for (const cycle of cycles) {
          for (const [i, source] of cycle.entries()) {
            const target = cycle[(i + 1) % cycle.length]
            expect(edges).toContainEqual({ source, target })
          }
        }
        expect(cycles.length).toBe(new Set([...of].filter((_, node) => isCyclic(node))).size)
      }),
      { numRuns: 300 },
    )
  })
})

function reachable(from: number, edges: readonly { source: number; target: number }[]): Set<number> {
  const found = new Set<number>()
  const pending = [from]
  for (const node of pending) {
    for (const { source, target } of edges) {
      if (source !== node || found.has(target)) continue
      found.add(target)
      pending.push(target)
    }
  }
  return found
}

describe('NODE_UNREACHABLE', () => {
  const unreachable = (document: unknown) =>
    diagnose(document).flatMap(({ code, severity, nodeId, relatedNodeIds }) =>
      code === 'NODE_UNREACHABLE' ? [[nodeId, severity, relatedNodeIds]] : [],
    )

  test('behind a cycle, and all that follows', () => {
    const document = definition({ a: {}, b: {}, c: {}, d: {} }, 'a > b > a', 'b > c > d')
    expect(unreachable(document)).toEqual([
      ['c', 'warning', ['b']],
      ['d', 'warning', ['c']],
    ])
  })

  test('behind an edge from nowhere', () => {
    const document = { ...definition({ a: {} }), edges: [{ source: 'gone', target: 'a' }] }
    expect(unreachable(document)).toEqual([['a', 'warning', undefined]])
  })

  test('behind a handle that does not exist', () => {
    expect(unreachable(definition({ a: {}, b: {} }, 'a:left > b'))).toEqual([['b', 'warning', undefined]])
  })

  test('not when another edge leads there, and not when the handles are not known', () => {
    expect(unreachable(definition({ a: {}, b: {}, c: {} }, 'a:left > b', 'c > b'))).toEqual([])
    expect(unreachable(definition({ a: { type: 'test.nothing' }, b: {} }, 'a:left > b'))).toEqual([])
  })
})

describe('CONFIG_REQUIRED', () => {
  test('names the field and says what it is for', () => {
    expect(diagnose(definition({ a: { type: 'test.mail' } }))).toMatchObject([
      {
        code: 'CONFIG_REQUIRED',
        severity: 'error',
        pointer: '/nodes/0/config/to',
        nodeId: 'a',
        suggestion: 'Give `to`: Who gets it.',
      },
    ])
  })

  test('deep in a config', () => {
    const document = definition({ a: { type: 'test.mail', config: { to: 'x', from: {} } } })
    expect(codes(document)).toEqual(['CONFIG_REQUIRED /nodes/0/config/from/name'])
  })

  test('of two forms of a config, a field of one', () => {
    expect(codes(definition({ a: { type: 'core.branch' } }))).toEqual([
      'CONFIG_REQUIRED /nodes/0/config/condition',
    ])
    expect(codes(definition({ a: { type: 'core.delay' } }))).toEqual([
      'CONFIG_REQUIRED /nodes/0/config/duration',
    ])
  })

  test('null and a wrong type are there, so they are invalid', () => {
    expect(codes(definition({ a: { type: 'test.mail', config: { to: null } } }))).toEqual([
      'CONFIG_INVALID /nodes/0/config/to',
    ])
  })
})

describe('BLOCK_DEPRECATED', () => {
  test('warns, and says what to use instead', () => {
    const { plan, diagnostics } = validate(definition({ a: { type: 'test.old' } }))
    expect(plan).not.toBeNull()
    expect(diagnostics).toMatchObject([
      {
        code: 'BLOCK_DEPRECATED',
        severity: 'warning',
        pointer: '/nodes/0/type',
        nodeId: 'a',
        suggestion: 'Use test.call.',
      },
    ])
  })
})

describe('VARIABLE_UNUSED', () => {
  const withVariables = (variables: JsonObject, config: object, rest: object = {}) => ({
    ...definition({ a: { config } }),
    ...rest,
    variables,
  })

  test('warns of each', () => {
    const document = withVariables(
      { used: 1, 'a/b': 2, has: 3 },
      { x: '{{ variables.used + has(variables.has) }}' },
    )
    expect(diagnose(document)).toMatchObject([
      { code: 'VARIABLE_UNUSED', severity: 'warning', pointer: '/variables/a~1b' },
    ])
    expect(validate(document).plan).not.toBeNull()
  })

  test('a use in a body, a condition, a retry or an output is one', () => {
    const uses = [
      definition({ l: forEach(definition({ x: { config: { y: '{{ variables.v }}' } } })) }),
      definition({ b: { type: 'core.branch', config: { condition: 'variables.v == 1' } } }),
      definition({ a: { retry: { retryIf: 'variables.v > attempt' } } }),
      { ...definition({ a: {} }), output: ['{{ variables["v"] }}'] },
      definition({ a: { config: { x: '{{ variables }}' } } }),
      definition({ a: { config: { x: '{{ variables[input.name] }}' } } }),
    ]
    for (const document of uses) expect(codes({ ...document, variables: { v: 1 } })).toEqual([])
  })

  test('what cannot be read may use it', () => {
    const unread = (node: object) => ({ ...definition({ a: node as never }), variables: { city: 1 } })
    for (const node of [
      { config: { x: '{{ variables.city + }}' } },
      { type: 'test.nothing', config: { x: '{{ variables.city }}' } },
      { onError: 5, config: { x: '{{ variables.city }}' } },
    ]) {
      expect(codes(unread(node)).filter((code) => code.startsWith('VARIABLE'))).toEqual([])
    }
    expect(codes(unread({ type: 'test.nothing' }))).toContain('VARIABLE_UNUSED /variables/city')
  })
})

describe('secrets', () => {
  const document = definition(
    {
      a: { config: { key: 'Bearer {{ secrets.API_KEY }}', again: '{{ secrets.API_KEY }}' } },
      b: { type: 'test.crm', retry: { retryIf: 'secrets.RETRY' } },
      pure: { type: 'test.pure' },
      loop: forEach(definition({ inner: { config: { x: '{{ secrets["IN-NER"] }}' } } })),
    },
    'a > b',
  )

  test('SECRET_UNAVAILABLE warns once for each node and name, at the first place', () => {
    const found = diagnose(document, { secretNames: new Set(['API_KEYS']) })
    expect(found.map(({ severity, nodeId, pointer }) => [severity, nodeId, pointer])).toEqual([
      ['warning', 'a', '/nodes/0/config/key'],
      ['warning', 'b', '/nodes/1/type'],
      ['warning', 'b', '/nodes/1/retry/retryIf'],
      ['warning', 'inner', '/nodes/3/config/body/nodes/0/config/x'],
    ])
    expect(found[0]).toMatchObject({
      code: 'SECRET_UNAVAILABLE',
      message: 'The secret "API_KEY" is not set.',
      range: { start: 10, end: 25 },
      suggestion: 'Did you mean "API_KEYS"?',
    })
  })

  test('nothing is said where nobody knows, or where all are set', () => {
    expect(diagnose(document)).toEqual([])
    expect(diagnose(document, { secretNames: null })).toEqual([])
    const secretNames = new Set(['API_KEY', 'CRM_KEY', 'RETRY', 'IN-NER'])
    expect(diagnose(document, { secretNames })).toEqual([])
  })

  test('one that may be missing is not missed', () => {
    const config = { x: '{{ secrets.?MAYBE }}' }
    expect(diagnose(definition({ a: { config } }), { secretNames: new Set() })).toEqual([])
  })

  test('the plan says which secrets each step opens: those its block declares and those it names', () => {
    const [a, b, pure, loop] = validate(document).plan?.graph.nodes ?? []
    expect([a, b, pure, loop, loop?.body?.nodes[0]].map((node) => node?.secretNames)).toEqual([
      ['API_KEY'],
      ['CRM_KEY', 'RETRY'],
      [],
      [],
      ['IN-NER'],
    ])
  })

  test('must be named: all of them, or a computed one, cannot be opened', () => {
    for (const x of ['{{ secrets }}', '{{ secrets[input.name] }}']) {
      expect(codes(definition({ a: { config: { x } } }))).toEqual(['SECRET_IN_EXPRESSION /nodes/0/config/x'])
    }
  })

  test('what is set is looked at each time, though the plan is compiled once', async () => {
    const plans = new PlanCache(blocks)
    const of = async (secretNames: ReadonlySet<string> | null) => {
      const { diagnostics, plan } = withMissingSecrets(await plans.read(document), secretNames)
      return { names: diagnostics.map(({ message }) => message.split('"')[1]), plan }
    }
    const before = await of(new Set(['CRM_KEY', 'RETRY']))
    const after = await of(new Set(['CRM_KEY', 'RETRY', 'API_KEY', 'IN-NER']))
    expect([before.names, after.names, (await of(null)).names]).toEqual([['API_KEY', 'IN-NER'], [], []])
    expect(after.plan).toBe(before.plan)
    expect(before.plan).not.toBeNull()
  })
})

describe('limits', () => {
  const ladder = (depth: number): JsonObject =>
    depth === 0 ? definition({ leaf: {} }) : definition({ [`l${depth}`]: forEach(ladder(depth - 1)) })

  test('DEFINITION_TOO_DEEP stands at the body that is one too deep', () => {
    expect(codes(ladder(10))).toEqual([])
    expect(codes(ladder(11))).toEqual([`DEFINITION_TOO_DEEP ${'/nodes/0/config/body'.repeat(11)}`])
  })

  test('DEFINITION_TOO_COMPLEX is said once, and everything else is still said', () => {
    const x = Array.from({ length: 30_001 }, () => '{{ 1 }}')
    const document = definition({
      a: { config: { x } },
      b: { type: 'test.mail', config: { to: '{{ 1 + }}' } },
    })
    expect(codes(document)).toEqual(['DEFINITION_TOO_COMPLEX /nodes/0/config/x/30000'])
    expect(codes({ ...document, edges: [{ source: 'a', target: 'c' }] })).toHaveLength(2)
  })

  test('how many nodes there may be is for the caller to say', async () => {
    const three = definition({ a: {}, b: {}, c: {} })
    expect(codes(three, { maxNodes: 2 })).toEqual(['DEFINITION_TOO_LARGE /nodes'])
    expect(codes(three, { maxNodes: 3 })).toEqual([])
    expect((await new PlanCache(blocks, { maxNodes: 2 }).read(three)).plan).toBeNull()
    expect((await new PlanCache(blocks, { maxNodes: 3 }).read(three)).plan).not.toBeNull()
  })

  test('10,000 nodes in a row, in a ring and behind a cycle overflow nothing', () => {
    const count = 10_000
    const ids = Array.from({ length: count }, (_, i) => `n${i}`)
    const nodes = Object.fromEntries(
      ids.map((id, i) => [id, i === 0 ? {} : { config: { x: `{{ nodes.n${i - 1}.output }}` } }]),
    )
    const row = ids.join(' > ')
    const maxNodes = count
    expect(validate(definition(nodes, row), { maxNodes }).plan?.graph.nodes).toHaveLength(count)
    expect(codes(definition(nodes, `${row} > n0`), { maxNodes })).toEqual(['GRAPH_CYCLE /edges'])
    const found = diagnose(definition(nodes, row, 'n1 > n0'), { maxNodes })
    expect(found[0]).toMatchObject({ code: 'GRAPH_CYCLE', relatedNodeIds: ['n0', 'n1'] })
    expect(found[1]).toMatchObject({ code: 'NODE_UNREACHABLE', nodeId: 'n2' })
    expect(found).toHaveLength(500)
  })
})

describe('any document', () => {
  const anything = fc.jsonValue({ maxDepth: 3 })
  /** A definition of which some parts are something else. */
  const spoilt = fc
    .tuple(fc.array(fc.tuple(fc.nat(200), anything), { minLength: 1, maxLength: 4 }))
    .map(([changes]) => {
      const document: object = structuredClone(RICH)
      for (const [place, value] of changes) spoil(document, place, value)
      return document
    })

  test('is told about, and has a plan exactly when nothing is an error', () => {
    fc.assert(
      fc.property(fc.oneof(anything, spoilt), (document) => {
        const { plan, diagnostics } = validate(document, { secretNames: new Set() })
        expect(plan !== null).toBe(diagnostics.every(({ severity }) => severity === 'warning'))
        for (const { pointer, message } of diagnostics) {
          expect(pointer).toMatch(/^(\/.*)?$/s)
          expect(message).not.toBe('')
        }
      }),
      { numRuns: 150 },
    )
  })
})

const RICH = {
  inputSchema: { type: 'object', properties: { leads: { type: 'array', items: { type: 'object' } } } },
  variables: { city: 'Basel' },
  limits: { concurrency: 3 },
  nodes: [
    { id: 'keep', type: 'core.filter', config: { items: '{{ input.leads }}', condition: 'item.a > 1' } },
    { id: 'way', type: 'core.branch', config: { cases: [{ handle: 'x', when: 'true' }], default: 'y' } },
    {
      id: 'loop',
      type: 'core.forEach',
      config: {
        items: '{{ nodes.keep.output.items }}',
        body: { nodes: [{ id: 'inner', type: 'test.call', config: { to: '{{ item.a }}' } }], edges: [] },
      },
    },
    { id: 'mail', type: 'test.mail', onError: 'route', config: { to: 'Dear {{ variables.city }}' } },
  ],
  edges: [
    { source: 'keep', target: 'way' },
    { source: 'way', target: 'loop', sourceHandle: 'x' },
    { source: 'loop', target: 'mail' },
  ],
  output: '{{ nodes.loop.output }}',
}

/** Puts a value in the place of one of the document's parts, counted in the order of a walk. */
function spoil(document: object, place: number, value: unknown): void {
  const parts: { owner: Record<string, unknown>; key: string }[] = []
  const walk = (owner: Record<string, unknown>) => {
    for (const [key, part] of Object.entries(owner)) {
      parts.push({ owner, key })
      if (typeof part === 'object' && part !== null) walk(part as Record<string, unknown>)
    }
  }
  walk(document as Record<string, unknown>)
  const chosen = parts[place % parts.length]
  if (chosen) chosen.owner[chosen.key] = value
}
