import { describe, expect, test } from '@jest/globals'
import { PlanCache, type Asker } from '../../../src/engine/validate/plan-cache.ts'
import { directSchemaChecker } from '../../../src/engine/json-schema/schema-checker.ts'
import { canonicalHash } from '../../../src/lib/json/canonical-json.ts'
import type { JsonObject } from '../../../src/lib/json/json.ts'
import { countTurns } from '../../support/count-turns.ts'
import { definition, registryWith, scriptedBlocks } from '../../support/run-definition.ts'

const blocks = registryWith(scriptedBlocks({}))
const asker = (ownerId: string): Asker => ({ ownerId, isRefusable: true })
/** A definition of `count` nodes; no two names make the same one. */
const chain = (name: string, count: number): JsonObject => ({
  ...definition(
    Object.fromEntries(
      Array.from({ length: count }, (_, i) => [`n${i}`, { config: { x: `{{ input.${name} + ${i} }}` } }]),
    ),
  ),
  name,
})
const stored = (body: JsonObject) => ({ hash: canonicalHash(body), body })

/** A cache whose pieces are as small as they can be, and how often it looked for a block. */
function cacheInPieces() {
  let lookups = 0
  const plans = new PlanCache(
    { get: (type) => (lookups++, blocks.get(type)), closest: () => null },
    { pieceMs: 0 },
  )
  return { plans, lookups: () => lookups }
}

describe('a definition', () => {
  test('that is small, or known already, has its answer at once', async () => {
    const plans = new PlanCache(blocks, { pieceMs: 1_000 })
    const first = plans.read(chain('a', 3), asker('a'))
    expect(first).not.toBeInstanceOf(Promise)
    const large = stored(chain('b', 1_000))
    const { plan } = await plans.validate(large, asker('a'))
    const again = plans.validate(large, asker('b'))
    expect(again).not.toBeInstanceOf(Promise)
    expect(again).toMatchObject({ plan: expect.anything() })
    expect((await again).plan).toBe(plan)
  })

  test('that was read before is neither serialised nor hashed again', async () => {
    const plans = new PlanCache(blocks)
    const document = chain('a', 100)
    const known = { hash: 'f'.repeat(64), bytes: JSON.stringify(document).length }
    const read = await plans.read(document, asker('a'), known)
    expect(read.document?.hash).toBe(known.hash)
    expect(read.document?.body).toBe(document)
    expect(plans.known(known.hash)?.plan?.graph.nodes).toHaveLength(100)
  })

  test('validated in pieces is found to be what it is at once', async () => {
    const documents = [
      chain('a', 50),
      { ...chain('b', 50), nodes: [1, { id: 'x', type: 'no.such' }] },
      { nodes: 7 },
    ]
    for (const document of documents) {
      const direct = await new PlanCache(blocks, { pieceMs: 10_000 }).validate(stored(document))
      const inPieces = await cacheInPieces().plans.validate(stored(document))
      expect(inPieces.diagnostics).toEqual(direct.diagnostics)
      expect(inPieces.plan?.graph.nodes.length).toBe(direct.plan?.graph.nodes.length)
    }
  })

  test('that is large leaves the thread to others while it is validated', async () => {
    const { plans } = cacheInPieces()
    const count = countTurns()
    await plans.read(chain('a', 1_500), asker('a'))
    count.stop()
    expect(count.turns).toBeGreaterThan(1_500)
  })

  test('that is asked for many times at once is validated once', async () => {
    const { plans, lookups } = cacheInPieces()
    const document = stored(chain('a', 100))
    const all = await Promise.all(
      Array.from({ length: 10 }, async () => plans.validate(document, asker('a'))),
    )
    expect(new Set(all.map(({ plan }) => plan)).size).toBe(1)
    expect(lookups()).toBe(100)
  })

  test('whose validation was under way when a block was registered is not kept', async () => {
    const { plans } = cacheInPieces()
    const document = stored(chain('a', 100))
    const before = plans.validate(document, asker('a'))
    plans.clear()
    const after = plans.validate(document, asker('a'))
    expect(after).toBeInstanceOf(Promise)
    expect((await after).plan).not.toBe((await before).plan)
    expect((await plans.validate(document, asker('a'))).plan).toBe((await after).plan)
  })

  test('goes on where a question about its schema is answered later, by the answer', async () => {
    const direct = directSchemaChecker()
    const plans = new PlanCache(blocks, {
      schemas: () => ({
        compile: async (schema, limitMs) => {
          await new Promise((resolve) => setImmediate(resolve))
          return direct.compile(schema, limitMs)
        },
        check: (schema, value) => direct.check(schema, value),
      }),
    })
    const read = (inputSchema: JsonObject) => plans.read({ ...chain('a', 2), inputSchema }, asker('a'))
    expect((await read({ type: 'object' })).diagnostics).toEqual([])
    expect((await read({ type: 'nothing' })).diagnostics).toMatchObject([{ code: 'INPUT_SCHEMA_INVALID' }])
  })
})

describe('large definitions of several owners', () => {
  test('are validated by turns: one owner’s twenty do not all come before another’s one', async () => {
    const { plans } = cacheInPieces()
    const done: string[] = []
    const validate = async (owner: string, i: number) => {
      await plans.validate(stored(chain(`${owner}${i}`, 100)), asker(owner))
      done.push(owner)
    }
    await Promise.all([
      ...Array.from({ length: 20 }, (_, i) => validate('a', i)),
      validate('b', 0),
      validate('c', 0),
    ])
    expect(done).toHaveLength(22)
    expect(done.indexOf('b')).toBeLessThanOrEqual(2)
    expect(done.indexOf('c')).toBeLessThanOrEqual(3)
  })

  test('hand the turn on after each piece: the second piece of one comes after the first of the other', async () => {
    const order: string[] = []
    const plans = new PlanCache(
      { get: (type) => (order.push(type), undefined), closest: () => null },
      { pieceMs: 0 },
    )
    const nodesOf = (type: string) =>
      definition(Object.fromEntries(Array.from({ length: 1_900 }, (_, i) => [`n${i}`, { type }])))
    const read = async (owner: string) => {
      await plans.read(nodesOf(owner), asker(owner))
      order.push(`${owner} done`)
    }
    await Promise.all([read('a'), read('b')])
    const second = order.indexOf('b')
    expect(order.indexOf('a done')).toBeGreaterThan(second)
    const together = order.slice(second, order.indexOf('a done'))
    // While both are under way, they alternate.
    expect(together.length).toBeGreaterThan(1_900)
    const repeats = together.filter((owner, i) => owner === together[i - 1])
    expect(repeats.length).toBeLessThan(10)
  })

  test('do not wait for the answer about a schema of another owner’s definition', async () => {
    const direct = directSchemaChecker()
    let answer: () => void = () => {}
    const asked = new Promise<void>((resolve) => (answer = resolve))
    const plans = new PlanCache(blocks, {
      pieceMs: 0,
      schemas: ({ ownerId }) => ({
        compile: async (schema, limitMs) => {
          if (ownerId === 'a') await asked
          return direct.compile(schema, limitMs)
        },
        check: (schema, value) => direct.check(schema, value),
      }),
    })
    const held = plans.read({ ...chain('a', 1_500), inputSchema: { type: 'object' } }, asker('a'))
    expect(await plans.read(chain('b', 1_500), asker('b'))).toMatchObject({ plan: expect.anything() })
    answer()
    expect(await held).toMatchObject({ plan: expect.anything() })
  })

  test('beyond the bound of one owner are refused, and those of runs and of others are not', async () => {
    const { plans } = cacheInPieces()
    const results = await Promise.allSettled(
      Array.from({ length: 205 }, async (_, i) => plans.validate(stored(chain(`a${i}`, 2)), asker('a'))),
    )
    const refused = results.filter((result) => result.status === 'rejected')
    expect(refused.length).toBeGreaterThan(0)
    for (const { reason } of refused) expect(reason).toMatchObject({ code: 'VALIDATION_BUSY' })
    const late = Array.from({ length: 205 }, async (_, i) =>
      plans.validate(stored(chain(`b${i}`, 2)), { ownerId: 'b', isRefusable: false }),
    )
    expect((await Promise.all(late)).every(({ plan }) => plan !== null)).toBe(true)
  })
})
