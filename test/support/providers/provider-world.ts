import { createHttpClient } from '../../../src/net/http-client.ts'
import {
  providerSettingsSchema,
  providerOrigins,
  type ProviderSettings,
} from '../../../src/blocks/providers/shared/provider-settings.ts'
import { providerBlocks } from '../../../src/blocks/providers.ts'
import type { Block } from '../../../src/engine/block/block.ts'
import { systemClock, type Clock } from '../../../src/lib/time/clock.ts'

export interface ProviderWorld {
  readonly blocks: readonly Block[]
  block(type: string): Block
  close(): Promise<void>
}

/** The blocks of providers over the real HTTP client, with base URLs that lead to stand-ins. */
export function providerWorld(
  providers: { readonly [Name in keyof ProviderSettings]?: { readonly baseUrl: string } },
  clock: Clock = systemClock,
  /** Which hosts may be reached beside them, for providers whose address is a secret. */
  allowedHosts: readonly string[] = [],
): ProviderWorld {
  const settings = providerSettingsSchema.parse(providers)
  const policy = { allowedHosts, allowedOrigins: providerOrigins(settings) }
  const client = createHttpClient({ policy: () => policy })
  const blocks = providerBlocks({ client, providers: settings, clock })
  return {
    blocks,
    block(type) {
      const found = blocks.find((block) => block.type === type)
      if (!found) throw new Error(`there is no block ${type}`)
      return found
    },
    close: () => client.close(),
  }
}
