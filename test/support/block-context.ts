import type { Block, BlockContext, BlockOutcome } from '../../src/engine/block.ts'
import { systemClock } from '../../src/lib/clock.ts'
import type { Json } from '../../src/lib/json.ts'

export interface FakeContext<Config> extends BlockContext<Config> {
  /** What the block reported, in order. */
  readonly reported: readonly number[]
}

type Given<Config> = Pick<BlockContext<Config>, 'config'> &
  Partial<Omit<BlockContext<Config>, 'config' | 'progress'>>

/** The context of one attempt; what is not given is what a first attempt without input has. */
export function fakeContext<Config>(given: Given<Config>): FakeContext<Config> {
  const reported: number[] = []
  return {
    input: null,
    signal: new AbortController().signal,
    attempt: 1,
    idempotencyKey: 'execution-1/step-1',
    clock: systemClock,
    evaluate: (source) => {
      throw new Error(`this test gives no meaning to ${source}`)
    },
    ...given,
    reported,
    progress: (fraction) => void reported.push(fraction),
  }
}

/** Runs one attempt as the engine does: the config is parsed by the block's schema. */
export async function runBlock(
  block: Block,
  { config, ...given }: { config: Json } & Partial<Omit<Given<unknown>, 'config'>>,
): Promise<BlockOutcome> {
  if (block.run === 'loop') throw new Error(`${block.type} is run by the engine`)
  return await block.run(fakeContext({ config: block.config.parse(config), ...given }))
}
