import type { Block, BlockContext } from '../../../src/engine/block/block.ts'
import type { ProviderSettings } from '../../../src/blocks/providers/shared/provider-settings.ts'
import { Closers } from '../../../src/lib/async/closers.ts'
import type { Clock } from '../../../src/lib/time/clock.ts'
import type { Json, JsonObject } from '../../../src/lib/json/json.ts'
import { emptyReports, runBlock, type Reports } from '../block-context.ts'
import type { ProviderServer } from './provider-server.ts'
import { providerWorld } from './provider-world.ts'
import { createSwiftClock, type SwiftClock } from './swift-clock.ts'

export interface RoomOptions<Server extends ProviderServer> {
  start(clock: Clock): Promise<Server>
  readonly provider: keyof ProviderSettings
  readonly key: string
  /** Between the stand-in's origin and the paths of its calls. */
  readonly basePath?: string
}

type Given = Partial<Pick<BlockContext, 'signal' | 'checkpoints' | 'checkpoint' | 'attempt'>> & {
  readonly key?: string
  readonly clock?: Clock
  readonly reports?: Reports
}

/** The blocks of one provider before its stand-in, on a clock that waits for nobody. */
export interface ProviderRoom<Server extends ProviderServer> {
  readonly server: Server
  readonly clock: SwiftClock
  /** Of all attempts that were given none of their own. */
  readonly reports: Reports
  block(type: string): Block
  /** The output of one attempt, parsed by the block's schema. */
  run(type: string, config: JsonObject, given?: Given): Promise<JsonObject>
  /** What an attempt after a crash finds recorded of those before. */
  recorded(reports?: Reports): { readonly [key: string]: Json }
  close(): Promise<void>
}

export async function openProviderRoom<Server extends ProviderServer>(
  options: RoomOptions<Server>,
): Promise<ProviderRoom<Server>> {
  const closers = new Closers()
  const clock = createSwiftClock()
  const server = await options.start(clock)
  closers.add(() => server.close())
  const baseUrl = server.origin + (options.basePath ?? '')
  const world = providerWorld({ [options.provider]: { baseUrl } }, clock)
  closers.add(() => world.close())
  const reports = emptyReports()
  return {
    server,
    clock,
    reports,
    block: (type) => world.block(type),
    async run(type, config, { key = options.key, ...given } = {}) {
      const block = world.block(type)
      const secrets = { [options.provider]: key }
      const outcome = await runBlock(block, { config, secrets, clock, reports, ...given })
      if (outcome.kind !== 'completed') throw new Error(`the block is ${outcome.kind}`)
      return block.output.parse(outcome.output) as JsonObject
    },
    recorded: ({ checkpoints } = reports) => Object.assign({}, ...checkpoints) as { [key: string]: Json },
    close: () => closers.close(),
  }
}
