import type { Block } from '../engine/block.ts'
import type { Clock } from '../lib/clock.ts'
import type { HttpClient } from './api/http/http-client.ts'
import type { ProviderSettings } from './api/provider/provider-settings.ts'
import { createRateLimiter } from './api/provider/rate-limiter.ts'
import { contactBlock } from './ai/contact.ts'
import { interestBlock } from './ai/interest.ts'
import { chatBlock } from './ai/openrouter/chat.ts'
import { objectBlock } from './ai/openrouter/object.ts'
import { createOpenRouterClient } from './ai/openrouter/openrouter-client.ts'
import { sentimentBlock } from './ai/sentiment.ts'

/** What the blocks of providers need of the world. */
export interface ProviderPorts {
  /** Its address policy is to allow the providers' origins. */
  readonly client: HttpClient
  readonly providers: ProviderSettings
  readonly clock: Clock
}

/** The blocks that call providers. They share one limiter, since they share credentials. */
export function providerBlocks({ client, providers, clock }: ProviderPorts): readonly Block[] {
  const transport = { http: client, limiter: createRateLimiter({ clock }) }
  const openRouter = { client: createOpenRouterClient(providers.openrouter.baseUrl, transport) }
  return [
    chatBlock(openRouter),
    objectBlock(openRouter),
    contactBlock(openRouter),
    interestBlock(openRouter),
    sentimentBlock(openRouter),
  ]
}
