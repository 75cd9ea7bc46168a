import { z } from 'zod'
import { completed } from '../../src/engine/block/block.ts'
import { defineBlock } from '../../src/engine/block/define-block.ts'

export interface Gate {
  /** Resolves when a step stands before the gate. */
  readonly reached: Promise<void>
  open(): void
}

/** Blocks of type `test.gate` that stand still until the test opens the gate named in their config. */
export function createGates() {
  const gates = new Map<string, Gate & { readonly passed: Promise<void>; arrive(): void }>()
  const gate = (name: string) => {
    const known = gates.get(name)
    if (known) return known
    const { promise: reached, resolve: arrive } = deferred()
    const { promise: passed, resolve: open } = deferred()
    const made = { reached, passed, arrive, open }
    gates.set(name, made)
    return made
  }
  const block = defineBlock({
    type: 'test.gate',
    name: 'Gate',
    description: 'Stands still until the test opens it.',
    // Its start is committed before it is made: what stands before the gate is on record.
    repeat: 'never',
    config: z.strictObject({ name: z.string() }),
    output: z.json(),
    sample: null,
    async run({ config, input, signal }) {
      const { arrive, passed } = gate(config.name)
      arrive()
      const left = deferred()
      signal.addEventListener('abort', left.resolve, { once: true })
      await Promise.race([passed, left.promise])
      return completed(input)
    },
  })
  return { block, gate: (name: string): Gate => gate(name) }
}

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = () => {}
  const promise = new Promise<void>((done) => (resolve = done))
  return { promise, resolve }
}
