import type { Block, BlockContext } from '../../../src/engine/block/block.ts'
import { Closers } from '../../../src/lib/async/closers.ts'
import type { JsonObject } from '../../../src/lib/json/json.ts'
import { emptyReports, runBlock, type Reports } from '../block-context.ts'
import { ManualClock } from '../manual-clock.ts'
import { startOpenRouterServer, type OpenRouterServer } from './openrouter-server.ts'
import { providerWorld } from './provider-world.ts'

const KEY = 'sk-or-v1-test'

export type Given = Partial<Pick<BlockContext, 'signal' | 'checkpoints' | 'checkpoint' | 'attempt'>> & {
  readonly key?: string
}

/** A block that asks models, before a stand-in of OpenRouter, on a clock that a test moves. */
export interface ModelRoom {
  readonly server: OpenRouterServer
  readonly clock: ManualClock
  readonly reports: Reports
  block(type: string): Block
  /** The parsed output of one attempt. */
  run(type: string, config: JsonObject, given?: Given): Promise<JsonObject>
  /** What the block would give without a model. */
  sample(type: string, config: JsonObject, random: () => number): JsonObject
  close(): Promise<void>
}

export async function openModelRoom(): Promise<ModelRoom> {
  const closers = new Closers()
  const server = await startOpenRouterServer(KEY)
  closers.add(() => server.close())
  const clock = new ManualClock()
  const world = providerWorld({ openrouter: { baseUrl: server.baseUrl } }, clock)
  closers.add(() => world.close())
  const reports = emptyReports()
  return {
    server,
    clock,
    reports,
    block: (type) => world.block(type),
    async run(type, config, { key = KEY, ...given } = {}) {
      const block = world.block(type)
      const outcome = await runBlock(block, {
        config,
        secrets: { openrouter: key },
        reports,
        clock,
        ...given,
      })
      if (outcome.kind !== 'completed') throw new Error(`the block is ${outcome.kind}`)
      return block.output.parse(outcome.output) as JsonObject
    },
    sample(type, config, random) {
      const block = world.block(type)
      const sample = block.sampleFor?.({ config: block.config.parse(config), input: null, random })
      return block.output.parse(sample) as JsonObject
    },
    close: () => closers.close(),
  }
}
