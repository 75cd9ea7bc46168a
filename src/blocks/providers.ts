import type { Block } from '../engine/block/index.ts'
import type { Clock } from '../lib/time/index.ts'
import type { HttpClient } from '../net/index.ts'
import { chatBlock, contactBlock, interestBlock, objectBlock, sentimentBlock } from './ai/index.ts'
import {
  NO_RESULTS,
  searchPeopleJobBlock,
  searchProfilesJobBlock,
  uploadContactsJobBlock,
  type JobResults,
} from './leads/index.ts'
import { createApifyClient, readDatasetBlock, runActorBlock } from './providers/apify/index.ts'
import {
  createApolloClient,
  enrichPeopleBlock,
  enrichPersonBlock,
  searchOrganizationsBlock,
  searchPeopleBlock,
} from './providers/apollo/index.ts'
import {
  createHunterClient,
  findEmailBlock,
  searchDomainBlock,
  verifyEmailBlock,
} from './providers/hunter/index.ts'
import { createAudienceBlock, createMetaClient, uploadAudienceBlock } from './providers/meta/index.ts'
import { createMixedbreadClient, embedBlock, rerankBlock } from './providers/mixedbread/index.ts'
import { createOpenRouterClient } from './providers/openrouter/index.ts'
import { createRateLimiter, type ProviderSettings } from './providers/shared/index.ts'
import { createSupabaseClient, selectBlock, upsertBlock } from './providers/supabase/index.ts'

/** What the blocks of providers need of the world. */
export interface ProviderPorts {
  /** Its address policy is to allow the providers' origins. */
  readonly client: HttpClient
  readonly providers: ProviderSettings
  readonly clock: Clock
  /** Default: no job has given anything. */
  readonly results?: JobResults
}

/** The blocks that call providers. They share one limiter, since they share credentials. */
export function providerBlocks({
  client,
  providers,
  clock,
  results = NO_RESULTS,
}: ProviderPorts): readonly Block[] {
  const transport = { http: client, limiter: createRateLimiter({ clock }) }
  const openRouter = {
    client: createOpenRouterClient({ ...transport, baseUrl: providers.openrouter.baseUrl }),
  }
  const apify = { client: createApifyClient({ ...transport, baseUrl: providers.apify.baseUrl }) }
  const apollo = { client: createApolloClient({ ...transport, baseUrl: providers.apollo.baseUrl }) }
  const hunter = { client: createHunterClient({ ...transport, baseUrl: providers.hunter.baseUrl }) }
  const mixedbread = {
    client: createMixedbreadClient({ ...transport, baseUrl: providers.mixedbread.baseUrl }),
  }
  const meta = { client: createMetaClient({ ...transport, baseUrl: providers.meta.baseUrl }) }
  const supabase = { client: createSupabaseClient(transport) }
  return [
    runActorBlock(apify),
    readDatasetBlock(apify),
    searchPeopleBlock(apollo),
    searchOrganizationsBlock(apollo),
    enrichPersonBlock(apollo),
    enrichPeopleBlock(apollo),
    findEmailBlock(hunter),
    verifyEmailBlock(hunter),
    searchDomainBlock(hunter),
    embedBlock(mixedbread),
    rerankBlock(mixedbread),
    createAudienceBlock(meta),
    uploadAudienceBlock(meta),
    selectBlock(supabase),
    upsertBlock(supabase),
    chatBlock(openRouter),
    objectBlock(openRouter),
    contactBlock(openRouter),
    interestBlock(openRouter),
    sentimentBlock(openRouter),
    searchPeopleJobBlock(apollo),
    searchProfilesJobBlock(apify),
    uploadContactsJobBlock({ ...meta, results }),
  ]
}
