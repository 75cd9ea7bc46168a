import { CORE_BLOCKS } from '../src/blocks/core/index.ts'
import { compileExpression } from '../src/cel/index.ts'
import { BlockRegistry } from '../src/engine/block/index.ts'
import { validateDefinition } from '../src/engine/validate/index.ts'

// What the bounds of expressions and definitions are worth in time. An evaluation that is refused should be refused
// within half a second, and a definition of 2,000 nodes be validated well within one. Each line is the fastest of five
// rounds, as the processor's time; the ratio is to a million turns of a plain loop over the same list.

const ROUNDS = 5

const xs = Array.from({ length: 100_000 }, (_, i) => i)
const text = 'a'.repeat(50_000)
const scope = { input: { xs, few: xs.slice(0, 1_000), text, long: 'a'.repeat(4_000_000) } }

const refused = [
  'input.xs.exists(x, input.xs.exists(y, x + y < 0))',
  'input.xs.all(x, input.xs.exists(y, y.nope == 1))',
  'input.xs.all(x, x.nope || true)',
  'input.xs.exists(x, -1 in input.xs)',
  'input.xs.map(x, upper(input.text))',
  'input.few.all(x, input.few.all(y, timestamp(y).getHours("Europe/Berlin") >= 0))',
  'regexReplace(input.text, "a*b|a", "c")',
  'contains(input.long, input.text + "b" + input.text)',
  'input.few.all(x, sortBy(input.xs, "") != [])',
]

const blocks = new BlockRegistry()
for (const block of CORE_BLOCKS) blocks.register(block)

const baseline = fastest(() => {
  let found = 0
  for (let turn = 0; turn < 10; turn++) for (const x of xs) if (x + turn < 0) found++
  return found
})

console.log('refused evaluations                                                     ms    ratio')
for (const source of refused) {
  const expression = compileExpression(source)
  const ms = fastest(() => attempt(() => expression.evaluate(scope)))
  console.log(
    `${source.slice(0, 64).padEnd(64)} ${ms.toFixed(1).padStart(9)} ${(ms / baseline).toFixed(0).padStart(8)}`,
  )
}

console.log('\nvalidation                                                              ms')
for (const nodes of [100, 2_000, 10_000]) {
  const document = chain(nodes)
  const ms = fastest(() => validateDefinition(document, { blocks, maxNodes: nodes }))
  console.log(`${`${nodes} nodes in a row, two expressions each`.padEnd(64)} ${ms.toFixed(1).padStart(9)}`)
}

function chain(nodes: number): object {
  return {
    nodes: Array.from({ length: nodes }, (_, i) => ({
      id: `n${i}`,
      type: 'core.transform',
      config: { value: i === 0 ? 1 : `{{ nodes.n${i - 1}.output }} and {{ input.x${i} + 1 }}` },
    })),
    edges: Array.from({ length: nodes - 1 }, (_, i) => ({ source: `n${i}`, target: `n${i + 1}` })),
  }
}

/** The processor's time of the fastest round, in milliseconds. */
function fastest(work: () => unknown): number {
  const rounds = Array.from({ length: ROUNDS }, () => {
    const before = process.cpuUsage()
    work()
    const { user, system } = process.cpuUsage(before)
    return (user + system) / 1_000
  })
  return Math.min(...rounds)
}

function attempt(work: () => unknown): unknown {
  try {
    return work()
  } catch (thrown) {
    return thrown
  }
}
