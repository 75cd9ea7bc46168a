import type { Block } from '../engine/block/block.ts'
import type { Clock } from '../lib/time/clock.ts'
import type { HttpClient } from '../net/http-client.ts'
import type { ProviderSettings } from './providers/shared/provider-settings.ts'
import { createRateLimiter } from './providers/shared/rate-limiter.ts'
import { createApifyClient } from './providers/apify/apify-client.ts'
import { readDatasetBlock } from './providers/apify/read-dataset.ts'
import { runActorBlock } from './providers/apify/run-actor.ts'
import { createApolloClient } from './providers/apollo/apollo-client.ts'
import { enrichPeopleBlock } from './providers/apollo/enrich-people.ts'
import { enrichPersonBlock } from './providers/apollo/enrich-person.ts'
import { searchOrganizationsBlock } from './providers/apollo/search-organizations.ts'
import { searchPeopleBlock } from './providers/apollo/search-people.ts'
import { createHunterClient } from './providers/hunter/hunter-client.ts'
import { findEmailBlock } from './providers/hunter/find-email.ts'
import { searchDomainBlock } from './providers/hunter/search-domain.ts'
import { verifyEmailBlock } from './providers/hunter/verify-email.ts'
import { embedBlock } from './providers/mixedbread/embed.ts'
import { createMixedbreadClient } from './providers/mixedbread/mixedbread-client.ts'
import { rerankBlock } from './providers/mixedbread/rerank.ts'
import { createAudienceBlock } from './providers/meta/create-audience.ts'
import { createMetaClient } from './providers/meta/meta-client.ts'
import { uploadAudienceBlock } from './providers/meta/upload-audience.ts'
import { selectBlock } from './providers/supabase/select.ts'
import { createSupabaseClient } from './providers/supabase/supabase-client.ts'
import { upsertBlock } from './providers/supabase/upsert.ts'
import { contactBlock } from './ai/contact.ts'
import { interestBlock } from './ai/interest.ts'
import { chatBlock } from './ai/chat.ts'
import { objectBlock } from './ai/object.ts'
import { createOpenRouterClient } from './providers/openrouter/openrouter-client.ts'
import { sentimentBlock } from './ai/sentiment.ts'
import { searchPeopleJobBlock } from './leads/search-people.ts'
import { searchProfilesJobBlock } from './leads/search-profiles.ts'
import { NO_RESULTS, uploadContactsJobBlock, type JobResults } from './leads/upload-contacts.ts'

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
