import { describe, expect, test } from '@jest/globals'
import { defineBlock } from '../../../src/engine/block/define-block.ts'
import { isSound, type Diagnostic } from '../../../src/engine/definition/diagnostics.ts'
import { findComponents } from '../../../src/engine/validate/components.ts'
import { validateDefinition } from '../../../src/engine/validate/validate-definition.ts'
import type { JsonObject } from '../../../src/lib/json/json.ts'
import { definition, forEach, registryWith, scriptedBlocks } from '../../support/run-definition.ts'
import { z } from 'zod'

const blocks = registryWith([
  ...scriptedBlocks({}),
  defineBlock({
    type: 'test.mail',
    name: 'Mail',
    description: 'Sends nothing.',
    config: z.strictObject({
      to: z.string().min(3),
      copies: z.int().max(5).optional(),
      from: z.strictObject({ name: z.string() }).optional(),
    }),
    output: z.null(),
    sample: null,
    run: () => Promise.reject(new Error('not run here')),
  }),
])

const validate = (document: unknown) => validateDefinition(document, { blocks })
const diagnose = (document: unknown): readonly Diagnostic[] => validate(document).diagnostics

function only(document: unknown): Diagnostic {
  const found = diagnose(document)
  expect(found).toHaveLength(1)
  return found[0] as Diagnostic
}

const withConfig = (config: object, rest: object = {}) =>
  definition({ a: {}, b: { config, ...rest } }, 'a > b')

describe('a sound definition', () => {
  test('gives a plan and no diagnostics', () => {
    const { plan, diagnostics } = validate(definition({ a: {}, b: {} }, 'a > b'))
    expect(diagnostics).toEqual([])
    expect(plan?.graph.nodes.map(({ id }) => id)).toEqual(['a', 'b'])
  })

  test('may be the earlier in-house form, and carry whatever a canvas adds', () => {
    const document = {
      workflowId: 'w-1',
      name: 'Leads',
      version: 3,
      metadata: { team: 'growth' },
      nodes: [
        {
          id: 'a',
          type: 'test.call',
          position: { x: 1, y: 2, z: 3 },
          data: { label: 'A' },
          measured: { width: 10 },
          selected: true,
        },
      ],
      edges: [],
      viewport: { zoom: 1 },
    }
    expect(validate(document).plan).not.toBeNull()
  })

  test('may leave out its edges, and say null for a handle', () => {
    expect(validate({ nodes: [{ id: 'a', type: 'test.call' }] }).plan).not.toBeNull()
    const edge = { id: 'e', source: 'a', target: 'b', sourceHandle: null, targetHandle: null }
    expect(validate({ ...definition({ a: {}, b: {} }), edges: [edge] }).plan).not.toBeNull()
  })

  test('fills in what it does not say', () => {
    const node = validate(definition({ a: { retry: { maxAttempts: 7 } } })).plan?.graph.nodes[0]
    expect(node).toMatchObject({
      onError: 'fail',
      onUnknown: 'fail',
      defaultOutput: null,
      timeoutMs: 300_000,
      retry: { maxAttempts: 7, initialDelayMs: 500, factor: 2, maxDelayMs: 8_000 },
    })
  })
})

describe('DEFINITION_MALFORMED', () => {
  test.each<[what: string, document: unknown, pointer: string]>([
    ['no object', 5, ''],
    ['nothing', undefined, ''],
    ['no nodes', {}, '/nodes'],
    ['a node id with a slash', { nodes: [{ id: 'a/b', type: 'x.y' }] }, '/nodes/0/id'],
    ['an empty node id', { nodes: [{ id: '', type: 'x.y' }] }, '/nodes/0/id'],
    ['a node without a type', { nodes: [{ id: 'a' }] }, '/nodes/0/type'],
    ['a config that is no object', { nodes: [{ id: 'a', type: 'x.y', config: [] }] }, '/nodes/0/config'],
    ['an unknown onError', { nodes: [{ id: 'a', type: 'x.y', onError: 'ignore' }] }, '/nodes/0/onError'],
    [
      'too many attempts',
      { nodes: [{ id: 'a', type: 'test.call', retry: { maxAttempts: 101 } }] },
      '/nodes/0/retry/maxAttempts',
    ],
    ['edges that are no list', { ...definition({ a: {} }), edges: {} }, '/edges'],
    ['an edge without a target', { ...definition({ a: {} }), edges: [{ source: 'a' }] }, '/edges/0/target'],
    [
      'no concurrency at all',
      { ...definition({ a: {} }), limits: { concurrency: 0 } },
      '/limits/concurrency',
    ],
    ['variables that are no object', { ...definition({ a: {} }), variables: [] }, '/variables'],
    ['an input schema that is a text', { ...definition({ a: {} }), inputSchema: 'any' }, '/inputSchema'],
    ['metadata that are a list', { ...definition({ a: {} }), metadata: [] }, '/metadata'],
    ['NaN', { nodes: [], metadata: { x: Number.NaN } }, '/metadata/x'],
    ['a NUL character', { nodes: [], metadata: { x: '\u0000' } }, '/metadata/x'],
  ])('%s', (_what, document, pointer) => {
    const found = diagnose(document)
    expect(found.map(({ code }) => code)).toEqual(['DEFINITION_MALFORMED'])
    expect(found[0]?.pointer).toBe(pointer)
    expect(validate(document).plan).toBeNull()
  })

  test('a body that is no graph, at its place', () => {
    expect(only(definition({ loop: forEach({ nodes: 'many' }) }))).toMatchObject({
      code: 'DEFINITION_MALFORMED',
      pointer: '/nodes/0/config/body/nodes',
      nodeId: 'loop',
    })
    expect(only(definition({ loop: forEach({}) }))).toMatchObject({ pointer: '/nodes/0/config/body/nodes' })
  })
})

describe('DEFINITION_EMPTY', () => {
  test('a definition without nodes', () => {
    expect(only({ nodes: [] })).toMatchObject({ code: 'DEFINITION_EMPTY', pointer: '/nodes' })
  })

  test('a loop without nodes', () => {
    expect(only(definition({ loop: forEach({ nodes: [] }) }))).toMatchObject({
      code: 'DEFINITION_EMPTY',
      pointer: '/nodes/0/config/body/nodes',
      nodeId: 'loop',
    })
  })
})

describe('DEFINITION_TOO_LARGE', () => {
  const many = (count: number, prefix: string) =>
    definition(Object.fromEntries(Array.from({ length: count }, (_, i) => [`${prefix}${i}`, {}])))

  test('more than 2,000 nodes', () => {
    expect(only(many(2_001, 'n'))).toMatchObject({ code: 'DEFINITION_TOO_LARGE', pointer: '/nodes' })
    expect(validate(many(2_000, 'n')).plan).not.toBeNull()
  })

  test('loop bodies count', () => {
    const document = definition({ a: forEach(many(1_500, 'x')), b: forEach(many(1_500, 'y')) })
    expect(only(document)).toMatchObject({
      code: 'DEFINITION_TOO_LARGE',
      pointer: '/nodes/1/config/body/nodes',
    })
  })

  test('more than 4 MiB', () => {
    const document = { ...definition({ a: {} }), metadata: { text: 'x'.repeat(4 * 1024 * 1024) } }
    expect(only(document)).toMatchObject({ code: 'DEFINITION_TOO_LARGE', pointer: '' })
  })
})

describe('NODE_ID_DUPLICATE', () => {
  const twice = (id: string) => ({ id, type: 'test.call' })

  test('two nodes of one graph', () => {
    expect(only({ nodes: [twice('a'), twice('b'), twice('a')] })).toMatchObject({
      code: 'NODE_ID_DUPLICATE',
      pointer: '/nodes/2/id',
      nodeId: 'a',
      relatedNodeIds: ['a'],
    })
  })

  test('a node of a body and one around it, and nothing else is said of its edges', () => {
    const body = definition({ a: {}, inner: {} }, 'inner > a')
    expect(only(definition({ a: {}, loop: forEach(body) }))).toMatchObject({
      code: 'NODE_ID_DUPLICATE',
      pointer: '/nodes/1/config/body/nodes/0/id',
    })
  })

  test('two loops may use the same ids', () => {
    const body = definition({ inner: {} })
    expect(diagnose(definition({ x: forEach(body), y: forEach(body) }))).toEqual([])
  })
})

describe('edges', () => {
  test('EDGE_DANGLING names the end that is nowhere', () => {
    const document = { ...definition({ a: {} }), edges: [{ source: 'a', target: 'gone' }] }
    expect(only(document)).toMatchObject({
      code: 'EDGE_DANGLING',
      pointer: '/edges/0/target',
      message: expect.stringContaining('"gone"'),
    })
  })

  test('EDGE_DUPLICATE names the second of two', () => {
    expect(only(definition({ a: {}, b: {} }, 'a > b', 'a > b'))).toMatchObject({
      code: 'EDGE_DUPLICATE',
      pointer: '/edges/1',
      nodeId: 'a',
    })
  })

  test('HANDLE_UNKNOWN tells which handles there are', () => {
    const branch = {
      type: 'core.branch',
      config: { cases: [{ handle: 'big', when: 'true' }], default: 'small' },
    }
    expect(only(definition({ a: branch, b: {}, c: {} }, 'c > b', 'a:huge > b'))).toMatchObject({
      code: 'HANDLE_UNKNOWN',
      pointer: '/edges/1/sourceHandle',
      nodeId: 'a',
      suggestion: 'It has: "big", "small".',
    })
    expect(diagnose(definition({ a: branch, b: {}, c: {} }, 'a:big > b', 'a:small > c'))).toEqual([])
    const twoWay = { type: 'core.branch', config: { condition: 'true' } }
    expect(diagnose(definition({ a: twoWay, b: {}, c: {} }, 'a:true > b', 'a:false > c'))).toEqual([])
    expect(only(definition({ a: twoWay, b: {}, c: {} }, 'c > b', 'a > b')).code).toBe('HANDLE_UNKNOWN')
  })

  test('HANDLE_UNKNOWN names at most twenty handles', () => {
    const cases = Array.from({ length: 30 }, (_, i) => ({ handle: `case${i}`, when: 'true' }))
    const branch = { type: 'core.branch', config: { cases } }
    expect(only(definition({ a: branch, b: {}, c: {} }, 'c > b', 'a:huge > b')).suggestion).toMatch(
      /^It has: "case0", .*"case19" and 10 more\.$/,
    )
  })

  test('HANDLE_UNKNOWN for "error" says how to get it', () => {
    expect(only(definition({ a: {}, b: {}, c: {} }, 'c > b', 'a:error > b'))).toMatchObject({
      code: 'HANDLE_UNKNOWN',
      suggestion: expect.stringContaining('`onError` to "route"'),
    })
    expect(diagnose(definition({ a: { onError: 'route' }, b: {} }, 'a:error > b'))).toEqual([])
  })
})

describe('GRAPH_CYCLE', () => {
  test('lists its nodes in the order of its edges, and those alone', () => {
    const document = definition({ d: {}, c: {}, b: {}, a: {} }, 'd > a > b > c > a')
    const { code, pointer, relatedNodeIds = [], message } = only(document)
    expect([code, pointer]).toEqual(['GRAPH_CYCLE', '/edges'])
    expect([...relatedNodeIds].toSorted()).toEqual(['a', 'b', 'c'])
    const next: Record<string, string> = { a: 'b', b: 'c', c: 'a' }
    for (const [i, id] of relatedNodeIds.entries()) {
      expect(next[id]).toBe(relatedNodeIds[(i + 1) % relatedNodeIds.length])
    }
    expect(message).toMatch(/ → .* → .* → /)
  })

  test('a node that follows itself', () => {
    expect(only(definition({ a: {} }, 'a > a'))).toMatchObject({ code: 'GRAPH_CYCLE', relatedNodeIds: ['a'] })
  })

  test('the cycle is the one thing to say: what names a node of it is not upstream or downstream of anything', () => {
    const document = definition({ a: { config: { x: '{{ nodes.b.output }}' } }, b: {} }, 'a > b > a')
    expect(only(document).code).toBe('GRAPH_CYCLE')
  })

  test('inside of a body', () => {
    const document = definition({ loop: forEach(definition({ x: {}, y: {} }, 'x > y > x')) })
    expect(only(document)).toMatchObject({ code: 'GRAPH_CYCLE', pointer: '/nodes/0/config/body/edges' })
  })

  test('is found in a ring of 10,000 nodes, and a row of 10,000 is none, without overflow', () => {
    const count = 10_000
    const row = Array.from({ length: count - 1 }, (_, i) => ({ source: i, target: i + 1, handle: 'out' }))
    expect(findComponents(count, row).cycles).toEqual([])
    const { cycles } = findComponents(count, [...row, { source: count - 1, target: 0 }])
    expect(cycles).toEqual([Array.from({ length: count }, (_, i) => i)])
  })
})

describe('BLOCK_UNKNOWN', () => {
  test('says what was meant', () => {
    expect(only(definition({ a: { type: 'core.fliter' } }))).toMatchObject({
      code: 'BLOCK_UNKNOWN',
      pointer: '/nodes/0/type',
      nodeId: 'a',
      suggestion: 'Did you mean "core.filter"?',
    })
  })

  test('says where to look when nothing is near', () => {
    expect(only(definition({ a: { type: 'acme.teleport' } })).suggestion).toContain('`blocks`')
  })
})

describe('CONFIG_INVALID', () => {
  test('says what and where', () => {
    expect(
      diagnose(definition({ a: { type: 'test.mail', config: { to: 'x', copies: 9, tu: 1 } } })),
    ).toMatchObject([
      { code: 'CONFIG_INVALID', pointer: '/nodes/0/config/to', nodeId: 'a' },
      { code: 'CONFIG_INVALID', pointer: '/nodes/0/config/copies' },
      { code: 'CONFIG_INVALID', pointer: '/nodes/0/config', message: expect.stringContaining('"tu"') },
    ])
  })

  test('a value that a template will make is not judged before it is made', () => {
    const config = { to: '{{ input.to }}', copies: '{{ input.copies }}', from: '{{ input.from }}' }
    expect(diagnose(definition({ a: { type: 'test.mail', config } }))).toEqual([])
    expect(
      only(definition({ a: { type: 'test.mail', config: { ...config, from: { name: 5 } } } })).pointer,
    ).toBe('/nodes/0/config/from/name')
  })

  test('of two forms of a config the nearer one is told about', () => {
    const branch = (config: object) => only(definition({ a: { type: 'core.branch', config } }))
    expect(branch({ condition: 5 })).toMatchObject({ pointer: '/nodes/0/config/condition' })
    expect(branch({ cases: [{ handle: 'x', when: 5 }] })).toMatchObject({
      pointer: '/nodes/0/config/cases/0/when',
    })
    const config = { cases: [{ handle: 'x y', when: 'true' }], default: 'b' }
    expect(branch(config)).toMatchObject({ pointer: '/nodes/0/config/cases/0/handle' })
  })

  test('a handle cannot be a template', () => {
    const config = { cases: [{ handle: '{{ input.way }}', when: 'true' }] }
    expect(only(definition({ a: { type: 'core.branch', config } }))).toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('handle'),
    })
  })

  test('a loop without a body', () => {
    const document = definition({ loop: { type: 'core.forEach', config: { items: [] } } })
    expect(only(document)).toMatchObject({ code: 'CONFIG_REQUIRED', pointer: '/nodes/0/config/body' })
    expect(only(definition({ loop: forEach('{{ input.body }}' as never) })).pointer).toBe(
      '/nodes/0/config/body',
    )
  })
})

describe('EXPRESSION_INVALID', () => {
  test('gives the range in the text that holds it', () => {
    const found = only(withConfig({ text: 'Dear {{ input.name + }}!' }))
    expect(found).toMatchObject({ code: 'EXPRESSION_INVALID', pointer: '/nodes/1/config/text', nodeId: 'b' })
    expect(found.range?.start).toBeGreaterThanOrEqual(7)
    expect(found.range?.end).toBeLessThanOrEqual(22)
  })

  test('one bad template does not hide the next', () => {
    const found = diagnose(withConfig({ x: '{{ 1 + }}', y: ['{{ (2 }}'], z: '{{ 3' }))
    expect(found.map(({ pointer }) => pointer)).toEqual([
      '/nodes/1/config/x',
      '/nodes/1/config/y/0',
      '/nodes/1/config/z',
    ])
  })

  test.each<[where: string, document: JsonObject, pointer: string]>([
    ['a deep place of a config', withConfig({ a: [{ 'b/c': '{{ 1 + }}' }] }), '/nodes/1/config/a/0/b~1c'],
    [
      'a condition',
      definition({ a: { type: 'core.branch', config: { condition: '1 +' } } }),
      '/nodes/0/config/condition',
    ],
    [
      'a case',
      definition({
        a: {
          type: 'core.branch',
          config: {
            cases: [
              { handle: 'x', when: 'true' },
              { handle: 'y', when: '1 +' },
            ],
          },
        },
      }),
      '/nodes/0/config/cases/1/when',
    ],
    ['a retryIf', withConfig({}, { retry: { retryIf: '1 +' } }), '/nodes/1/retry/retryIf'],
    ['the output', { ...definition({ a: {} }), output: { x: '{{ 1 + }}' } }, '/output/x'],
    [
      'a body',
      definition({ loop: forEach(definition({ x: { config: { y: '{{ 1 + }}' } } })) }),
      '/nodes/0/config/body/nodes/0/config/y',
    ],
    [
      'a body’s output',
      definition({ loop: forEach({ ...definition({ x: {} }), output: '{{ 1 + }}' }) }),
      '/nodes/0/config/body/output',
    ],
    [
      'a loop’s items',
      definition({ loop: forEach(definition({ x: {} }), { items: '{{ 1 + }}' }) }),
      '/nodes/0/config/items',
    ],
  ])('in %s', (_where, document, pointer) => {
    expect(only(document)).toMatchObject({ code: 'EXPRESSION_INVALID', pointer })
  })

  test('a text with braces that is no expression says how to write it', () => {
    expect(only(withConfig({ x: '{{ }}' })).code).toBe('EXPRESSION_INVALID')
    expect(diagnose(withConfig({ x: '{{ "{{" }} and }}' }))).toEqual([])
  })
})

describe('NAME_UNKNOWN', () => {
  test('gives the range of the name and what was meant', () => {
    const text = 'Dear {{ inptu.name }}'
    const found = only(withConfig({ text }))
    expect(found).toMatchObject({
      code: 'NAME_UNKNOWN',
      severity: 'error',
      pointer: '/nodes/1/config/text',
      suggestion: 'Did you mean `input`?',
    })
    expect(text.slice(found.range?.start, found.range?.end)).toMatch(/^inptu/)
  })

  test('`item` and `index` exist only inside a loop', () => {
    expect(only(withConfig({ x: '{{ item }}' })).message).toContain('only inside a loop')
    expect(
      diagnose(definition({ loop: forEach(definition({ x: { config: { y: '{{ item + index }}' } } })) })),
    ).toEqual([])
  })

  test('`error` exists only where an edge enters by the handle "error"', () => {
    const config = { x: '{{ error.code }}' }
    expect(only(withConfig(config)).message).toContain('by the handle "error"')
    expect(diagnose(definition({ a: { onError: 'route' }, b: { config } }, 'a:error > b'))).toEqual([])
  })

  test('a filter’s condition sees `item` and `index`, its other config does not', () => {
    const filter = (config: object) => definition({ a: { type: 'core.filter', config } })
    expect(diagnose(filter({ items: '{{ input }}', condition: 'item.score > index' }))).toEqual([])
    expect(only(filter({ items: '{{ item }}', condition: 'true' })).code).toBe('NAME_UNKNOWN')
  })

  test('`retryIf` sees `error` and `attempt`', () => {
    expect(diagnose(withConfig({}, { retry: { retryIf: 'error.code == "X" && attempt < 3' } }))).toEqual([])
    expect(only(withConfig({ x: '{{ attempt }}' })).code).toBe('NAME_UNKNOWN')
  })

  test('a variable without a default is only a warning: a start may bring it', () => {
    const config = { x: '{{ variables.citty }}', y: '{{ variables.city }}' }
    const document = { ...withConfig(config), variables: { city: 'Basel' } }
    expect(only(document)).toMatchObject({
      code: 'NAME_UNKNOWN',
      severity: 'warning',
      suggestion: 'Did you mean `variables.city`?',
    })
    expect(validate(document).plan).not.toBeNull()
    expect(diagnose(withConfig({ x: '{{ default(variables.city, "Basel") }}' }))).toEqual([])
    expect(diagnose(withConfig({ x: '{{ has(variables.city) }}' }))).toEqual([])
  })
})

describe('NODE_UNKNOWN and NODE_NOT_UPSTREAM', () => {
  test('an id that is nowhere, and what was meant', () => {
    const document = definition({ find: {}, b: { config: { x: '{{ nodes.fnid.output }}' } } }, 'find > b')
    expect(only(document)).toMatchObject({ code: 'NODE_UNKNOWN', suggestion: 'Did you mean `nodes.find`?' })
  })

  test('an id with a dash is suggested in brackets', () => {
    const document = definition(
      { 'my-node': {}, b: { config: { x: '{{ nodes.my-node.output }}' } } },
      'my-node > b',
    )
    const found = diagnose(document)
    expect(found[0]).toMatchObject({ code: 'NODE_UNKNOWN', suggestion: 'Did you mean `nodes["my-node"]`?' })
    const mended = definition(
      { 'my-node': {}, b: { config: { x: '{{ nodes["my-node"].output }}' } } },
      'my-node > b',
    )
    expect(diagnose(mended)).toEqual([])
  })

  test('`nodes` as a whole cannot be used', () => {
    expect(only(withConfig({ x: '{{ nodes }}' }))).toMatchObject({
      code: 'NODE_UNKNOWN',
      message: expect.stringContaining('as a whole'),
    })
  })

  test.each([
    ['a node itself', definition({ a: { config: { x: '{{ nodes.a.output }}' } } })],
    ['a sibling', definition({ a: {}, b: { config: { x: '{{ nodes.a.output }}' } } })],
    ['what comes later', definition({ a: { config: { x: '{{ nodes.b.output }}' } }, b: {} }, 'a > b')],
    [
      'an outer node that the loop does not wait for',
      definition({
        other: {},
        loop: forEach(definition({ x: { config: { y: '{{ nodes.other.output }}' } } })),
      }),
    ],
    [
      'the loop around a body',
      definition({ loop: forEach(definition({ x: { config: { y: '{{ nodes.loop.output }}' } } })) }),
    ],
    [
      'an outer node in a body’s output',
      definition({
        other: {},
        loop: forEach({ ...definition({ x: {} }), output: '{{ nodes.other.output }}' }),
      }),
    ],
  ])('%s is not upstream', (_what, document) => {
    expect(only(document).code).toBe('NODE_NOT_UPSTREAM')
  })

  test('a node inside of a loop is unknown outside of it', () => {
    const document = definition(
      { loop: forEach(definition({ inner: {} })), b: { config: { x: '{{ nodes.inner.output }}' } } },
      'loop > b',
    )
    expect(only(document).code).toBe('NODE_UNKNOWN')
  })

  test('everything upstream may be named, from a body too, and every node of a graph in its output', () => {
    const body = {
      ...definition({ x: { config: { y: '{{ nodes.a.output }}' } } }),
      output: '{{ [nodes.a, nodes.x] }}',
    }
    const nodes = { a: {}, b: {}, loop: forEach(body), c: { config: { x: '{{ nodes.a.output }}' } } }
    const document = { ...definition(nodes, 'a > b > loop > c'), output: '{{ [nodes.c, nodes.a] }}' }
    expect(diagnose(document)).toEqual([])
  })
})

describe('SECRET_IN_PURE_BLOCK', () => {
  test.each<[where: string, document: JsonObject, pointer: string]>([
    [
      'a pure block’s config',
      withConfig({ x: '{{ secrets.KEY }}' }, { type: 'test.pure' }),
      '/nodes/1/config/x',
    ],
    [
      'a pure block’s condition',
      definition({ a: { type: 'core.branch', config: { condition: 'secrets.KEY == "x"' } } }),
      '/nodes/0/config/condition',
    ],
    ['the output', { ...definition({ a: {} }), output: '{{ secrets.KEY }}' }, '/output'],
  ])('%s', (_where, document, pointer) => {
    expect(only(document)).toMatchObject({ code: 'SECRET_IN_PURE_BLOCK', pointer })
  })

  test('an external block may name one', () => {
    expect(diagnose(withConfig({ x: '{{ secrets.KEY }}' }))).toEqual([])
  })
})

describe('SECRET_IN_CONTROL_BLOCK', () => {
  const SECRET = '{{ secrets.KEY }}'
  test.each<[type: string, config: JsonObject, pointer: string]>([
    ['core.log', { message: SECRET }, '/message'],
    ['core.log', { message: 'x', fields: { deep: [SECRET] } }, '/fields/deep/0'],
    ['core.callWorkflow', { workflowId: 'w', input: { key: SECRET } }, '/input/key'],
    ['core.callWorkflow', { workflowId: 'w', variables: { key: SECRET } }, '/variables/key'],
    ['core.waitForSignal', { name: SECRET, timeout: '1h' }, '/name'],
    ['core.delay', { duration: SECRET }, '/duration'],
    ['core.forEach', { items: SECRET, body: definition({ x: {} }) }, '/items'],
  ])('%s: %j', (type, config, at) => {
    expect(only(definition({ a: { type, config } }))).toMatchObject({
      code: 'SECRET_IN_CONTROL_BLOCK',
      severity: 'error',
      pointer: `/nodes/0/config${at}`,
      suggestion: expect.stringContaining('calls out'),
    })
  })

  test('its retryIf may not name one either', () => {
    const node = { type: 'core.log', config: { message: 'x' }, retry: { retryIf: 'secrets.KEY' } }
    expect(only(definition({ a: node }))).toMatchObject({ code: 'SECRET_IN_CONTROL_BLOCK' })
  })
})

describe('SECRET_IN_EXPRESSION', () => {
  test.each([
    'join(split(secrets.KEY, ""), " ")',
    'upper(secrets.KEY)',
    'secrets.KEY.upper()',
    'substring(secrets.KEY, 0, 8)',
    'secrets.KEY + "x"',
    'secrets.KEY == "x"',
    '!secrets.KEY',
    'secrets.KEY ? 1 : 2',
    'true ? secrets.KEY : ""',
    '[secrets.KEY]',
    '{"k": secrets.KEY}',
    '{secrets.KEY: 1}',
    'has(secrets.KEY)',
    'default(secrets.KEY, "x")',
    'secrets.?KEY.orValue("x")',
    'secrets.KEY[0]',
    'secrets.KEY.length',
    'secrets["KEY"].length',
    '(secrets.KEY)',
    'input[secrets.KEY]',
    'secrets',
    'keys(secrets)',
    'json(secrets)',
    'secrets[input.x]',
    'secrets["K" + "EY"]',
    'secrets[?input.x]',
    '"KEY" in secrets',
    '["KEY"].map(k, secrets[k])',
    'secrets.map(k, k)',
    'split(secrets.KEY, "").all(c, c != "")',
    'cel.bind(k, secrets.KEY, upper(k))',
    'input.list.map(i, secrets.KEY)',
  ])('%s', (source) => {
    const [first, ...more] = diagnose(withConfig({ x: `{{ ${source} }}` }))
    expect(first).toMatchObject({
      code: 'SECRET_IN_EXPRESSION',
      severity: 'error',
      pointer: '/nodes/1/config/x',
      suggestion: expect.stringContaining('Bearer {{ secrets.'),
    })
    expect(new Set(more.map(({ code }) => code))).toEqual(
      new Set(more.length > 0 ? ['SECRET_IN_EXPRESSION'] : []),
    )
    expect(diagnose(withConfig({ x: `before {{ ${source} }} after` }))[0]?.code).toBe('SECRET_IN_EXPRESSION')
  })

  test('says where in a text with several expressions', () => {
    const x = '{{ secrets.KEY }} {{ upper(secrets.KEY) }}'
    expect(only(withConfig({ x }))).toMatchObject({
      range: { start: 27, end: 38 },
      suggestion:
        'Write `{{ secrets.KEY }}`, and what belongs around it as text: `Bearer {{ secrets.KEY }}`.',
    })
  })

  test('in retryIf, and in the body of a loop', () => {
    const retryIf = 'secrets.KEY.startsWith("a")'
    expect(only(definition({ a: { retry: { retryIf } } }))).toMatchObject({
      code: 'SECRET_IN_EXPRESSION',
      pointer: '/nodes/0/retry/retryIf',
    })
    const body = definition({ in: { config: { x: '{{ upper(secrets.KEY) }}' } } })
    expect(only(definition({ loop: forEach(body) }))).toMatchObject({
      code: 'SECRET_IN_EXPRESSION',
      nodeId: 'in',
    })
    const output = { ...definition({ in: {} }), output: '{{ secrets.KEY }}' }
    expect(only(definition({ loop: forEach(output) }))).toMatchObject({ code: 'SECRET_IN_PURE_BLOCK' })
  })

  test.each(['secrets.KEY', 'secrets["KEY"]', 'secrets.?KEY', 'secrets[?"KEY"]'])(
    'never for %s alone',
    (source) => {
      expect(
        diagnose(withConfig({ x: `{{${source}}}`, y: `Bearer {{  ${source} }}:{{ upper(input.x) }}` })),
      ).toEqual([])
      expect(diagnose(definition({ a: { retry: { retryIf: ` ${source} ` } } }))).toEqual([])
    },
  )
})

describe('INPUT_SCHEMA_INVALID', () => {
  test.each<[what: string, schema: unknown]>([
    ['an unknown type', { type: 'text' }],
    ['a reference that leads nowhere', { $ref: '#/$defs/gone' }],
    ['a reference to the network', { $ref: 'https://example.com/schema.json' }],
    ['a pattern that is none', { type: 'string', pattern: '(' }],
    ['a pattern that only a backtracking engine can run', { type: 'string', pattern: '(a)\\1' }],
    ['more text than can be compiled in good time', { enum: ['x'.repeat(70_000)] }],
  ])('%s', (_what, inputSchema) => {
    expect(only({ ...definition({ a: {} }), inputSchema })).toMatchObject({
      code: 'INPUT_SCHEMA_INVALID',
      pointer: '/inputSchema',
    })
  })
})

describe('hostile documents', () => {
  const N = 2_000
  const ids = Array.from({ length: N }, (_, i) => `n${i}`)
  const chain = definition(
    Object.fromEntries(
      ids.map((id, i) => [id, i === 0 ? {} : { config: { x: `{{ nodes.n${i - 1}.output }}` } }]),
    ),
    ids.join(' > '),
  )
  const nested = (depth: number) => Array.from({ length: depth }).reduce<unknown>((inner) => [inner], 1)
  const unknown = definition(
    Object.fromEntries(
      ids.map((id, i) => [
        `${'a'.repeat(50)}${id}`,
        { config: { x: `{{ nodes.${'a'.repeat(48)}x${i}.output }}` } },
      ]),
    ),
  )
  const ladder = (depth: number): JsonObject =>
    depth === 0 ? definition({ leaf: {} }) : definition({ [`l${depth}`]: forEach(ladder(depth - 1)) })

  test.each<[what: string, document: () => unknown, code: string | undefined]>([
    ['2,000 nodes in a row', () => chain, undefined],
    [
      '2,000 nodes, 60,000 edges',
      () => ({
        ...definition(Object.fromEntries(ids.map((id) => [id, {}]))),
        edges: Array.from({ length: 60_000 }, (_, i) => ({
          source: `n${i % 1_000}`,
          target: `n${1_000 + Math.floor(i / 60)}`,
        })),
      }),
      undefined,
    ],
    ['2,000 long names that are nearly right', () => unknown, 'NODE_UNKNOWN'],
    [
      'values nested 100,000 deep',
      () => ({ ...definition({ a: {} }), metadata: { x: nested(100_000) } }),
      'DEFINITION_MALFORMED',
    ],
    ['values nested as deep as allowed', () => withConfig({ x: nested(490) }), undefined],
    ['loops in loops in loops, as deep as allowed', () => ladder(10), undefined],
    ['loops in loops, 100 deep', () => ladder(100), 'DEFINITION_TOO_DEEP'],
    [
      '150,000 tiny expressions',
      () => withConfig({ x: Array.from({ length: 150_000 }, (_, i) => `{{${i}}}`) }),
      'DEFINITION_TOO_COMPLEX',
    ],
    [
      '4 MiB of the longest expressions',
      () =>
        withConfig({ x: Array.from({ length: 1_000 }, (_, i) => `{{ size("${i}${'x'.repeat(3_900)}") }}`) }),
      'DEFINITION_TOO_COMPLEX',
    ],
    [
      '60,000 nodes in a body',
      () =>
        definition({
          loop: forEach(
            definition(Object.fromEntries(Array.from({ length: 60_000 }, (_, i) => [`x${i}`, {}]))),
          ),
        }),
      'DEFINITION_TOO_LARGE',
    ],
    [
      '60,000 edges to nowhere',
      () => ({
        ...definition({ a: {} }),
        edges: Array.from({ length: 60_000 }, (_, i) => ({ source: `x${i}`, target: `y${i}` })),
      }),
      'EDGE_DANGLING',
    ],
    [
      'a schema that refers to itself',
      () => ({ ...definition({ a: {} }), inputSchema: { $ref: '#' } }),
      undefined,
    ],
  ])('%s: an answer', (_what, make, code) => {
    const { plan, diagnostics } = validate(make())
    expect(diagnostics[0]?.code).toBe(code)
    expect(plan === null).toBe(code !== undefined)
    expect(diagnostics.length).toBeLessThanOrEqual(500)
  })

  test('a document full of warnings does not hide its one error', () => {
    const config = Object.fromEntries(
      Array.from({ length: 600 }, (_, i) => [`k${i}`, `{{ variables.v${i} }}`]),
    )
    const { plan, diagnostics } = validate(definition({ a: { config }, b: { config: { x: '{{ 1 + }}' } } }))
    expect(plan).toBeNull()
    expect(isSound(diagnostics)).toBe(false)
  })

  test('keys such as __proto__ change nothing but themselves', () => {
    const document = JSON.parse(
      '{"nodes":[{"id":"constructor","type":"test.call","config":{"__proto__":{"polluted":1},"toString":"{{ input }}"}}],' +
        '"__proto__":{"polluted":1},"variables":{"__proto__":{"polluted":1}},"edges":[]}',
    ) as unknown
    expect(validate(document).plan).not.toBeNull()
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })

  test('a type such as __proto__ is an unknown block', () => {
    expect(diagnose(definition({ a: { type: '__proto__' } }))[0]?.code).toBe('BLOCK_UNKNOWN')
    expect(diagnose(definition({ a: { type: 'constructor' } }))[0]?.code).toBe('BLOCK_UNKNOWN')
  })
})
