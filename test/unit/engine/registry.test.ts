import { describe, expect, test } from '@jest/globals'
import { z } from 'zod'
import type { Block } from '../../../src/engine/block/block.ts'
import { completed } from '../../../src/engine/block/block.ts'
import { defineBlock } from '../../../src/engine/block/define-block.ts'
import { PlanCache } from '../../../src/engine/validate/plan-cache.ts'
import { BlockRegistry } from '../../../src/engine/block/registry.ts'
import { BUILD_VERSION } from '../../../src/lib/build-version.ts'
import { definition, registryWith, scriptedBlocks } from '../../support/run-definition.ts'

const block = (type: string, rest: object = {}): Block =>
  defineBlock({
    type,
    name: type,
    description: 'A block.',
    config: z.strictObject({}),
    output: z.null(),
    sample: null,
    run: async () => completed(null),
    ...rest,
  })

describe('BlockRegistry', () => {
  test('gives back what was registered, by type, in order of types', () => {
    const registry = new BlockRegistry()
    const [b, a] = [block('x.b'), block('x.a')]
    registry.register(b)
    registry.register(a)
    expect(registry.get('x.b')).toBe(b)
    expect(registry.get('x.c')).toBeUndefined()
    expect(registry.list()).toEqual([a, b])
  })

  test('refuses a type that is taken, and says so', () => {
    const registry = new BlockRegistry()
    registry.register(block('x.a'))
    expect(() => registry.register(block('x.a'))).toThrow(
      expect.objectContaining({ code: 'BLOCK_TYPE_TAKEN' }),
    )
  })

  test.each([
    '',
    'greet',
    'Custom.greet',
    'custom.',
    '.greet',
    'custom greet',
    'custom..greet',
    'custom.Greet',
    'a.b\n',
  ])('refuses the type %p', (type) => {
    expect(() => new BlockRegistry().register(block(type))).toThrow(
      expect.objectContaining({ code: 'BLOCK_TYPE_INVALID' }),
    )
  })

  test.each(['', 'v'.repeat(65)])('refuses the version %p', (version) => {
    expect(() => new BlockRegistry().register(block('x.a', { version }))).toThrow(
      expect.objectContaining({ code: 'BLOCK_VERSION_INVALID' }),
    )
  })

  test('knows the type that a misspelt one meant', () => {
    expect(registryWith().closest('core.fliter')).toBe('core.filter')
  })
})

describe('defineBlock', () => {
  test('fills in the careful choices', () => {
    expect(block('acme.greet')).toMatchObject({
      version: BUILD_VERSION,
      category: 'custom',
      effect: 'external',
      repeat: 'safe',
      expressions: [],
      timeoutMs: 300_000,
      retry: { maxAttempts: 3 },
    })
    expect(block('acme.greet').handles({})).toEqual(['out'])
  })

  test('a pure block is not retried; the category is the first word of its type where that is one', () => {
    expect(block('core.shape', { effect: 'pure' })).toMatchObject({
      category: 'core',
      retry: { maxAttempts: 1 },
    })
    expect(block('ai.sum').category).toBe('ai')
  })
})

describe('PlanCache', () => {
  const document = definition({ a: {} })

  test('compiles a document once, whatever the order of its members', async () => {
    const plans = new PlanCache(registryWith(scriptedBlocks({})))
    const first = await plans.read(document)
    expect(first.plan).not.toBeNull()
    const again = await plans.read({ edges: [], nodes: [{ type: 'test.call', id: 'a' }] })
    expect(again.plan).toBe(first.plan)
    expect((await plans.validate(first.document ?? { hash: '', body: null })).plan).toBe(first.plan)
  })

  test('keeps what is asked for, and no more than its bounds', async () => {
    let compiled = 0
    const registry = registryWith(scriptedBlocks({}))
    const plans = new PlanCache({
      get: (type) => {
        compiled++
        return registry.get(type)
      },
      closest: () => null,
    })
    await plans.read(document)
    for (let i = 0; i < 600; i++) {
      await plans.read({ ...document, name: i })
      await plans.read(document)
    }
    expect(compiled).toBe(601)
    await plans.read({ ...document, name: 0 })
    expect(compiled).toBe(602)
  })

  test('keeps few large plans rather than many', async () => {
    let compiled = 0
    const registry = registryWith(scriptedBlocks({}))
    const plans = new PlanCache({
      get: (type) => {
        compiled++
        return registry.get(type)
      },
      closest: () => null,
    })
    const large = (i: number) => ({ ...document, metadata: { i, text: 'x'.repeat(3 * 1024 * 1024) } })
    for (let i = 0; i < 30; i++) await plans.read(large(i))
    await plans.read(large(29))
    expect(compiled).toBe(30)
    await plans.read(large(0))
    expect(compiled).toBe(31)
  })

  test('forgets everything when a block is registered', async () => {
    const registry = registryWith()
    const plans = new PlanCache(registry)
    expect((await plans.read(document)).plan).toBeNull()
    for (const one of scriptedBlocks({})) registry.register(one)
    expect((await plans.read(document)).plan).toBeNull()
    plans.clear()
    expect((await plans.read(document)).plan).not.toBeNull()
  })

  test('a value that is no JSON has no document, only diagnostics', async () => {
    const { document: read, plan, diagnostics } = await new PlanCache(registryWith()).read({ nodes: [1n] })
    expect([read, plan]).toEqual([null, null])
    expect(diagnostics).toMatchObject([{ code: 'DEFINITION_MALFORMED', pointer: '/nodes/0' }])
  })
})
