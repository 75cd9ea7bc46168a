import type { Block } from '../engine/block.ts'
import type { Clock } from '../lib/clock.ts'
import type { HttpClient } from './api/http/http-client.ts'
import type { ProviderSettings } from './api/provider/provider-settings.ts'
import { createRateLimiter } from './api/provider/rate-limiter.ts'

/** What the blocks of providers need of the world. */
export interface ProviderPorts {
  /** Its address policy is to allow the providers' origins. */
  readonly client: HttpClient
  readonly providers: ProviderSettings
  readonly clock: Clock
}

/** The blocks that call providers. They share one limiter, since they share credentials. */
export function providerBlocks({ clock }: ProviderPorts): readonly Block[] {
  createRateLimiter({ clock })
  return []
}
