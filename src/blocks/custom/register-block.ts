import { z } from 'zod'
import {
  BlockError,
  completed,
  defineBlock,
  type Block,
  type BlockCategory,
  type BlockContext,
} from '../../engine/block/index.ts'
import type { Json } from '../../lib/json/index.ts'

/** What a block of the class form gives back. */
export type BlockResult =
  | { readonly status: 'completed'; readonly output: unknown; readonly handles?: readonly string[] }
  | {
      readonly status: 'failed'
      readonly error:
        | string
        | { readonly code?: string; readonly message: string; readonly retryable?: boolean }
    }

/**
 * The class form of a block, known from the earlier in-house engine: extend it, give the type to `super`, and do the work
 * in `execute`. New blocks are better made by `defineBlock`, which checks config and output.
 */
export abstract class BaseBlockExecutor {
  readonly type: string

  constructor(type: string) {
    this.type = type
  }

  abstract execute(
    config: Record<string, unknown>,
    input: Json,
    context: BlockContext,
  ): Promise<BlockResult> | BlockResult
}

/** What the catalogue shows of a block of the class form. */
export interface BlockAbout {
  /** The version of its code, recorded on each attempt: 1 to 64 characters. Default: that of Lume's package. */
  readonly version?: string
  readonly name?: string
  readonly description?: string
  readonly category?: BlockCategory
  /** Default `external`. */
  readonly effect?: 'pure' | 'external'
  /** A Zod schema of the input that it takes; anything else fails the step with `BLOCK_INPUT_INVALID`. Default: anything. */
  readonly input?: z.ZodType
  readonly sample?: Json
}

export type BlockClass = new () => BaseBlockExecutor

/** Either one block made by `defineBlock`, or a type, a class and what to show of it. */
export type BlockArguments =
  | readonly [block: Block]
  | readonly [type: string, executor: BlockClass, about?: BlockAbout]
export type RegisterBlock = (...definition: BlockArguments) => void

export function toBlock(...definition: BlockArguments): Block {
  if (definition.length === 1) return definition[0]
  const [type, Executor, about = {}] = definition
  const executor = new Executor()
  return defineBlock({
    type,
    ...(about.version === undefined ? {} : { version: about.version }),
    name: about.name ?? type,
    description: about.description ?? `The block ${type}.`,
    category: about.category ?? 'custom',
    effect: about.effect ?? 'external',
    config: z.record(z.string(), z.unknown()),
    ...(about.input ? { input: about.input } : {}),
    output: z.unknown(),
    sample: about.sample ?? null,
    async run(context) {
      const result = await executor.execute(context.config, context.input, context)
      if (result.status === 'completed') return completed(result.output, result.handles)
      const { error } = result
      if (typeof error === 'string') throw new BlockError('BLOCK_FAILED', error, { retryable: true })
      throw new BlockError(error.code ?? 'BLOCK_FAILED', error.message, {
        retryable: error.retryable ?? true,
      })
    },
  })
}

/** The only state of a module: blocks registered before a Lume exists. The next `createLume` takes them. */
export const pendingBlocks = {
  list: [] as Block[],
  drain(): readonly Block[] {
    return this.list.splice(0)
  },
}

/** Registers a block with the Lume that is created next; with one that exists, use its own `registerBlock`. */
export const registerBlock: RegisterBlock = (...definition) => {
  pendingBlocks.list.push(toBlock(...definition))
}
