import { describe, expect, test } from '@jest/globals'
import {
  DEFINITION_MAX_EDGES,
  DEFINITION_MAX_MEMBERS,
  DEFINITION_MAX_POINTERS,
  DEFINITION_MAX_VALUES,
} from '../../../src/engine/definition/definition.ts'
import { isSound } from '../../../src/engine/definition/diagnostics.ts'
import { DIAGNOSTICS_MAX_TEXT } from '../../../src/engine/validate/checks/diagnostic-list.ts'
import { measureDefinition } from '../../../src/engine/validate/checks/measure.ts'
import { validateDefinition } from '../../../src/engine/validate/validate-definition.ts'
import { isJsonObject, pointer, type Json, type JsonObject } from '../../../src/lib/json/json.ts'
import { inOneGo } from '../../../src/lib/turns/pieces.ts'
import { fc } from '../../support/fast-check.ts'
import { definition, registryWith, scriptedBlocks } from '../../support/run-definition.ts'

const blocks = registryWith(scriptedBlocks({}))
const measure = (document: unknown, maxNodes = 2_000) =>
  inOneGo(measureDefinition(document, { blocks, maxNodes }))
const loop = (body: JsonObject) => ({ type: 'core.forEach', config: { items: [1], body } })

/** The same value, and how many of its members and items were read, at any depth. */
function counted<T extends object>(root: T): { readonly value: T; readonly reads: () => number } {
  let reads = 0
  const watch = (value: unknown): unknown =>
    typeof value !== 'object' || value === null
      ? value
      : new Proxy(value, {
          get(target, key) {
            if (typeof key === 'string' && key !== 'length') reads++
            return watch(Reflect.get(target, key))
          },
        })
  return { value: watch(root) as T, reads: () => reads }
}

describe('a document beyond a limit is refused before it is walked:', () => {
  const node = { id: 'a', type: 'test.call', config: { deep: [[[[1]]]] } }
  const edge = { source: 'a', target: 'a' }

  test.each<[string, object, string]>([
    ['60,000 nodes', { nodes: Array.from({ length: 60_000 }, () => node), edges: [] }, '/nodes'],
    ['100,000 edges', { nodes: [node], edges: Array.from({ length: 100_000 }, () => edge) }, '/edges'],
    [
      '60,000 nodes in the body of a loop',
      { nodes: [{ id: 'l', ...loop({ nodes: Array.from({ length: 60_000 }, () => node) }) }] },
      '/nodes/0/config/body/nodes',
    ],
    [
      '100,000 edges in the body of a loop',
      {
        nodes: [{ id: 'l', ...loop({ nodes: [node], edges: Array.from({ length: 100_000 }, () => edge) }) }],
      },
      '/nodes/0/config/body/edges',
    ],
    ['200,001 values in one list', { nodes: [node], x: Array.from({ length: 200_001 }, () => []) }, ''],
  ])('%s', (_what, document, pointer) => {
    const { value, reads } = counted(document)
    expect(validateDefinition(value, { blocks }).diagnostics).toMatchObject([
      { code: 'DEFINITION_TOO_LARGE', severity: 'error', pointer },
    ])
    expect(reads()).toBeLessThan(200)
  })

  test('an object of more members than one may have is refused, with its place', () => {
    const large = Object.fromEntries(
      Array.from({ length: DEFINITION_MAX_MEMBERS + 1 }, (_, i) => [`k${i}`, i]),
    )
    const { k0: _, ...allowed } = large
    expect(measure({ nodes: [node], metadata: { a: [large] } }).excess).toMatchObject({
      code: 'DEFINITION_TOO_LARGE',
      pointer: '/metadata/a/0',
      message: expect.stringContaining(String(DEFINITION_MAX_MEMBERS)),
    })
    expect(measure({ nodes: [node], metadata: { a: [allowed] } }).excess).toBeNull()
  })

  test('a document of ever more values is walked as far as the limit, and no further', () => {
    const branch = Array.from({ length: 1_000 }, () => 1)
    const document = { nodes: [node], x: Array.from({ length: 1_000 }, () => branch) }
    const { value, reads } = counted(document)
    expect(measure(value).excess).toMatchObject({
      code: 'DEFINITION_TOO_LARGE',
      message: expect.stringContaining(String(DEFINITION_MAX_VALUES)),
    })
    expect(reads()).toBeLessThan(DEFINITION_MAX_VALUES * 1.1)
  })

  test('a document of too many bytes is walked until they are found', () => {
    const document = {
      ...definition({ a: {} }),
      x: Array.from({ length: 100 }, () => 'x'.repeat(1024 * 1024)),
    }
    const { value, reads } = counted(document)
    expect(measure(value).excess).toMatchObject({ code: 'DEFINITION_TOO_LARGE' })
    expect(reads()).toBeLessThan(50)
  })
})

describe('the measure of a document', () => {
  const body = (depth: number, size: number): JsonObject => {
    const nodes: Parameters<typeof definition>[0] = Object.fromEntries(
      Array.from({ length: size }, (_, i) => [`n${depth}x${i}`, {}]),
    )
    return definition(depth === 0 ? nodes : { ...nodes, [`l${depth}`]: loop(body(depth - 1, size)) })
  }

  test('finds as many nodes as validation does: both refuse a sound definition from the same limit on', () => {
    fc.assert(
      fc.property(fc.nat({ max: 4 }), fc.integer({ min: 1, max: 4 }), (depth, size) => {
        const document = body(depth, size)
        const count = validateDefinition(document, { blocks }).size.nodes
        expect(count).toBe((depth + 1) * size + depth)
        expect(measure(document, count).excess).toBeNull()
        expect(measure(document, count - 1).excess).toMatchObject({ code: 'DEFINITION_TOO_LARGE' })
        expect(validateDefinition(document, { blocks, maxNodes: count }).plan).not.toBeNull()
        expect(validateDefinition(document, { blocks, maxNodes: count - 1 }).plan).toBeNull()
      }),
    )
  })

  test('is within what the text of the document has', () => {
    fc.assert(
      fc.property(
        fc.object({ maxDepth: 4, values: [fc.string(), fc.double(), fc.boolean()] }),
        (document) => {
          const { excess, values, bytes } = measure(document)
          const text = JSON.stringify(document)
          expect(excess).toBeNull()
          expect(bytes).toBeLessThanOrEqual(Buffer.byteLength(text))
          let count = 0
          JSON.parse(text, (_key, value: unknown) => (count++, value))
          expect(values).toBe(count)
        },
      ),
    )
  })

  test('does not count what only looks like the body of a loop', () => {
    const config = { body: { nodes: Array.from({ length: 3_000 }, () => 1), edges: [] } }
    expect(measure({ nodes: [{ id: 'a', type: 'test.call', config }] }).excess).toBeNull()
  })

  test('admits what is malformed: its reader reports it', () => {
    const cycle: { [key: string]: unknown } = {}
    cycle['self'] = cycle
    const failing = Object.defineProperty({}, 'nodes', {
      enumerable: true,
      get: () => {
        throw new Error('no')
      },
    })
    for (const document of [
      null,
      1,
      'x',
      [],
      {},
      cycle,
      failing,
      { nodes: 1, edges: { length: 1e9 } },
      new Date(0),
    ])
      expect(measure(document).excess).toBeNull()
  })

  test('admits as many edges as there may be', () => {
    const edges = Array.from({ length: DEFINITION_MAX_EDGES }, () => ({ source: 'a', target: 'b' }))
    expect(measure({ ...definition({ a: {} }), edges }).excess).toBeNull()
    expect(measure({ ...definition({ a: {} }), edges: [...edges, edges[0]] }).excess).not.toBeNull()
  })
})

describe('the pointers of a definition', () => {
  const under = (key: string, values: readonly Json[]) =>
    definition({ a: { config: { [key]: values } } }) as { nodes: Json[] }

  test('that a long key makes long are counted, and refused with the place above the key', () => {
    const templates = Array.from({ length: 1_000 }, (_, i) => `{{ input.a${i} }}`)
    const document = under('k'.repeat(1_000_000), templates)
    const { diagnostics, plan } = validateDefinition(document, { blocks })
    expect(plan).toBeNull()
    expect(diagnostics).toEqual([
      expect.objectContaining({
        code: 'DEFINITION_TOO_LARGE',
        pointer: '/nodes/0/config',
        message: expect.stringContaining(String(DEFINITION_MAX_POINTERS)),
        suggestion: expect.stringContaining('Shorten the keys'),
      }),
    ])
    expect(validateDefinition(under('k'.repeat(1_000), templates), { blocks }).plan).not.toBeNull()
  })

  test('have the length that they have when they are written', () => {
    const lengthsOf = (value: Json, at: string): number =>
      (Array.isArray(value) ? [...(value as readonly Json[]).entries()] : entriesOf(value)).reduce(
        (sum, [key, member]) => sum + lengthsOf(member, pointer(at, key)),
        at.length,
      )
    const entriesOf = (value: Json) => (isJsonObject(value) ? Object.entries(value) : [])
    const keys = fc.stringMatching(/^[a-z~/]{0,4}$/)
    fc.assert(
      fc.property(fc.object({ key: keys, maxDepth: 4, values: [fc.string(), fc.nat()] }), (document) => {
        expect(measure(document).pointers).toBe(lengthsOf(document as Json, ''))
      }),
    )
  })
})

describe('the diagnostics of a definition', () => {
  const textOf = (diagnostics: readonly { pointer: string; message: string }[]) =>
    diagnostics.reduce((sum, { pointer: at, message }) => sum + at.length + message.length, 0)

  test('have bounded text together, however long the key above their place is', () => {
    const text = Array.from({ length: 500 }, (_, i) => `{{ nothing${i} }}`).join(' ')
    const document = definition({ a: { config: { ['k'.repeat(300_000)]: text } } })
    const { diagnostics, plan } = validateDefinition(document, { blocks })
    expect(plan).toBeNull()
    expect(diagnostics[0]).toMatchObject({ code: 'NAME_UNKNOWN', severity: 'error' })
    expect(textOf(diagnostics)).toBeLessThanOrEqual(DIAGNOSTICS_MAX_TEXT)
  })

  test('keep the first error, even if its pointer alone is longer than their text may be', () => {
    const document = definition({ a: { config: { ['k'.repeat(2_000_000)]: '{{ nothing }} {{ nobody }}' } } })
    const { diagnostics, plan } = validateDefinition(document, { blocks })
    expect(plan).toBeNull()
    expect(isSound(diagnostics)).toBe(false)
    expect(diagnostics).toHaveLength(1)
  })

  test('name long ids, types and keys by their beginnings', () => {
    const long = 'x'.repeat(1_000_000)
    const nodes = [
      { id: long, type: 'no.such', timeoutMs: 'x', retry: 'x', onError: 'x', position: 'x', config: 'x' },
    ]
    const { diagnostics } = validateDefinition({ nodes, edges: [{ source: long, target: 'b' }] }, { blocks })
    expect(diagnostics.length).toBeGreaterThan(5)
    expect(JSON.stringify(diagnostics).length).toBeLessThan(50_000)
  })

  test('that warn of missing secrets have bounded text, too', () => {
    const nodes = Array.from({ length: 60 }, (_, i) => [
      `n${i}`,
      { config: { ['k'.repeat(60_000)]: `{{ secrets.S${i} }}` } },
    ])
    const document = definition(Object.fromEntries(nodes) as Parameters<typeof definition>[0])
    const { diagnostics, plan } = validateDefinition(document, { blocks, secretNames: new Set() })
    expect(plan).not.toBeNull()
    expect(diagnostics.length).toBeGreaterThan(5)
    expect(textOf(diagnostics)).toBeLessThanOrEqual(DIAGNOSTICS_MAX_TEXT)
  })
})
