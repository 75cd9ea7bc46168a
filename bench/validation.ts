// How long validations and checks of users' definitions and schemas keep the event loop, and what a check of a simple
// schema costs. Run with: npx tsx bench/validation.ts
import { CORE_BLOCKS } from '../src/blocks/core/index.ts'
import { compileExpression } from '../src/cel/index.ts'
import { BlockRegistry } from '../src/engine/block/index.ts'
import { PlanCache } from '../src/engine/validate/index.ts'
import { SchemaChecks } from '../src/jobs/schema-checks/index.ts'
import { withPauses } from '../src/lib/turns/index.ts'
import type { Json } from '../src/lib/json/index.ts'
import { compareDefinitions } from '../src/workflows/diff/index.ts'

const registry = new BlockRegistry()
for (const block of CORE_BLOCKS) registry.register(block)
const checks = new SchemaChecks()
const asker = { ownerId: 'bench', isRefusable: true }

/** For how long at most a timer of one millisecond was kept waiting. */
async function measure(what: string, work: () => unknown): Promise<void> {
  let last = performance.now()
  let longest = 0
  const look = () => {
    longest = Math.max(longest, performance.now() - last)
    last = performance.now()
  }
  const timer = setInterval(look, 1)
  const startedAt = performance.now()
  await work()
  await new Promise((resolve) => setImmediate(resolve))
  look()
  clearInterval(timer)
  const took = performance.now() - startedAt
  console.log(`${what}: ${took.toFixed(0)} ms, the event loop was kept for ${longest.toFixed(0)} ms at most`)
}

const node = (i: number, value: Json) => ({ id: `n${i}`, type: 'core.transform', config: { value } })
const DOCUMENTS: Readonly<Record<string, object>> = {
  'a definition of 3 nodes': { nodes: [0, 1, 2].map((i) => node(i, `{{ input.a${i} }}`)) },
  'a definition of 2,000 nodes': {
    nodes: Array.from({ length: 2_000 }, (_, i) => node(i, `{{ input.a${i} }}`)),
    edges: Array.from({ length: 1_999 }, (_, i) => ({ source: `n${i}`, target: `n${i + 1}` })),
  },
  'one node with 29,000 expressions': {
    nodes: [
      node(
        0,
        Array.from({ length: 29_000 }, (_, i) => `{{ input.a${i} + 1 }}`),
      ),
    ],
  },
  'one node with 190,000 empty lists': {
    nodes: [
      node(
        0,
        Array.from({ length: 190_000 }, () => []),
      ),
    ],
  },
  'one node with an object of 190,000 members, which is refused': {
    nodes: [node(0, Object.fromEntries(Array.from({ length: 190_000 }, (_, i) => [`k${i}`, i])))],
  },
  'one node with a text of 4,000,000 characters': { nodes: [node(0, 'x'.repeat(4_000_000))] },
  '60,000 nodes': { nodes: Array.from({ length: 60_000 }, (_, i) => node(i, i)) },
  '100,000 edges': {
    nodes: [],
    edges: Array.from({ length: 100_000 }, () => ({ source: 'a', target: 'b' })),
  },
}
for (const round of ['cold', 'warm']) {
  for (const [what, document] of Object.entries(DOCUMENTS)) {
    const plans = new PlanCache(registry, { schemas: checks.for })
    await measure(`${round}: ${what}`, () => plans.read(document, asker))
  }
}

const simple = {
  type: 'object',
  required: ['a'],
  properties: { a: { type: 'string' }, b: { type: 'integer' } },
}
const checker = checks.for(asker)
await measure('10,000 checks by a simple schema', async () => {
  for (let b = 0; b < 10_000; b++) await checker.check(simple, { a: 'x', b })
})
const longer = { properties: Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`f${i}`, simple])) }
await checker.check(longer, {})
await measure('1,000 checks in the thread, by a schema of 30,000 characters', async () => {
  for (let i = 0; i < 1_000; i++) await checker.check(longer, { f1: { a: 'x' } })
})
const hostile = Array.from({ length: 30_000 }, (_, i) => ({ i }))
await measure('20 checks of 30,000 objects for uniqueness', () =>
  Promise.allSettled(
    Array.from({ length: 20 }, async () =>
      checks.for({ ...asker, ownerId: 'hostile' }).check({ uniqueItems: true }, hostile),
    ),
  ),
)

const list = Array.from({ length: 99_000 }, (_, i) => ({ id: i, name: `name ${i}` }))
for (const source of [
  'input.filter(x, input.exists(y, y.id == x.id + 1))',
  'input.map(x, x.name + "!")',
  'input.sortBy(x, x.name)',
  'json(input)',
]) {
  const expression = compileExpression(source)
  await measure(`the expression ${source} over 99,000 objects`, () => {
    try {
      expression.evaluate({ input: list })
    } catch {
      // Beyond its budget: what it took until then is what is measured.
    }
  })
}
const [before, after] = [1, 2].map((value) => ({
  nodes: Array.from({ length: 2_000 }, (_, i) =>
    node(
      i,
      Array.from({ length: 40 }, () => value),
    ),
  ),
}))
await measure('the diff of two definitions of 2,000 nodes, all changed', () =>
  withPauses(compareDefinitions(registry, before ?? {}, after ?? {})),
)
await checks.close()
