import type { Block } from '../engine/block.ts'
import type { Clock } from '../lib/clock.ts'
import type { HttpClient } from './api/http/http-client.ts'
import type { ProviderSettings } from './api/provider/provider-settings.ts'
import { createRateLimiter } from './api/provider/rate-limiter.ts'
import { createApifyClient } from './api/apify/apify-client.ts'
import { readDatasetBlock } from './api/apify/read-dataset.ts'
import { runActorBlock } from './api/apify/run-actor.ts'
import { createApolloClient } from './api/apollo/apollo-client.ts'
import { enrichPeopleBlock } from './api/apollo/enrich-people.ts'
import { enrichPersonBlock } from './api/apollo/enrich-person.ts'
import { searchOrganizationsBlock } from './api/apollo/search-organizations.ts'
import { searchPeopleBlock } from './api/apollo/search-people.ts'
import { createHunterClient } from './api/hunter/hunter-client.ts'
import { findEmailBlock } from './api/hunter/find-email.ts'
import { searchDomainBlock } from './api/hunter/search-domain.ts'
import { verifyEmailBlock } from './api/hunter/verify-email.ts'
import { embedBlock } from './api/mixedbread/embed.ts'
import { createMixedbreadClient } from './api/mixedbread/mixedbread-client.ts'
import { rerankBlock } from './api/mixedbread/rerank.ts'
import { createAudienceBlock } from './api/meta/create-audience.ts'
import { createMetaClient } from './api/meta/meta-client.ts'
import { uploadAudienceBlock } from './api/meta/upload-audience.ts'
import { selectBlock } from './api/supabase/select.ts'
import { createSupabaseClient } from './api/supabase/supabase-client.ts'
import { upsertBlock } from './api/supabase/upsert.ts'
import { contactBlock } from './ai/contact.ts'
import { interestBlock } from './ai/interest.ts'
import { chatBlock } from './ai/openrouter/chat.ts'
import { objectBlock } from './ai/openrouter/object.ts'
import { createOpenRouterClient } from './ai/openrouter/openrouter-client.ts'
import { sentimentBlock } from './ai/sentiment.ts'
import { searchPeopleJobBlock } from './job/search-people.ts'
import { searchProfilesJobBlock } from './job/search-profiles.ts'
import { NO_RESULTS, uploadContactsJobBlock, type JobResults } from './job/upload-contacts.ts'

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
