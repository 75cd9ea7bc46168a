import { z } from 'zod'
import { completed, type Block } from '../../src/engine/block/block.ts'
import { defineBlock } from '../../src/engine/block/define-block.ts'
import { until } from './until.ts'

/** One call of a probe, from the side of the world that it reaches out to. */
export interface ProbeCall {
  readonly name: string
  readonly idempotencyKey: string
  readonly attempt: number
  readonly signal: AbortSignal
  /** Writes a line, which makes its job's journal commit something. */
  readonly beat: () => void
  /** Lets a call that holds come back. */
  readonly finish: (output?: unknown) => void
}

/** A block `test.probe` that tells who called it, and holds until the test lets it go where its config says `holds`. */
export interface Probe {
  readonly block: Block
  /** The same as `test.paid`: a call that must not be repeated. */
  readonly paid: Block
  readonly calls: readonly ProbeCall[]
  /** How often the node of that name was called. */
  count(name: string): number
  /** Waits for the `nth` call, from 1, of the node of that name. */
  called(name: string, nth?: number): Promise<ProbeCall>
}

export function createProbe(): Probe {
  const calls: ProbeCall[] = []
  const callsOf = (name: string) => calls.filter((call) => call.name === name)
  const create = (type: string, repeat: 'safe' | 'never') =>
    defineBlock({
      type,
      repeat,
      name: 'Probe',
      description: 'Records its call for the test.',
      config: z.strictObject({ name: z.string(), holds: z.boolean().default(false) }),
      output: z.json(),
      sample: null,
      async run({ config: { name, holds }, idempotencyKey, attempt, signal, log }) {
        const output = await new Promise((resolve, reject) => {
          const beat = () => log.info('beat')
          calls.push({
            name,
            idempotencyKey,
            attempt,
            signal,
            beat,
            finish: (value = name) => resolve(value),
          })
          signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
          if (!holds) resolve(name)
        })
        return completed(output)
      },
    })
  return {
    block: create('test.probe', 'safe'),
    paid: create('test.paid', 'never'),
    calls,
    count: (name) => callsOf(name).length,
    called: (name, nth = 1) =>
      until(`"${name}" was called for the ${nth}. time`, () => callsOf(name)[nth - 1]),
  }
}

/** A definition of probes one after the other; names that end in `…` hold. */
export function probes(...names: readonly string[]) {
  const ids = names.map((name) => name.replace('…', ''))
  return {
    nodes: ids.map((id, index) => ({
      id,
      type: 'test.probe',
      config: { name: id, holds: names[index]?.endsWith('…') ?? false },
    })),
    edges: ids.slice(1).map((target, index) => ({ source: ids[index], target })),
  }
}
