import { z } from 'zod'
import { BlockError, completed, type Block } from '../../src/engine/block/block.ts'
import { defineBlock } from '../../src/engine/block/define-block.ts'

/** Blocks that act on the outside: `test.work`, which may be repeated, and `test.paid`, which may not. */
export interface WorkBlocks {
  readonly blocks: readonly Block[]
  /** The names of the calls that were made since the last call of this function, in order. */
  takeCalls(): readonly string[]
}

const config = z.strictObject({
  name: z.string(),
  /** The number of attempts that fail, from the first one on. */
  failures: z.int().default(0),
  /** Something that is read before the call. */
  note: z.string().optional(),
})

export function createWorkBlocks(): WorkBlocks {
  const calls: string[] = []
  const create = (type: string, repeat: 'safe' | 'never') =>
    defineBlock({
      type,
      name: 'Work',
      description: 'Records a checkpoint and calls the outside.',
      repeat,
      config,
      output: z.json(),
      sample: null,
      async run({ config: { name, failures }, attempt, checkpoint }) {
        await checkpoint('attempt', attempt)
        calls.push(name)
        if (attempt <= failures) throw new BlockError('NOT_YET', 'It fails for now.', { retryable: true })
        return completed(`${name} is done`)
      },
    })
  return {
    blocks: [create('test.work', 'safe'), create('test.paid', 'never')],
    takeCalls: () => calls.splice(0),
  }
}
