import { z } from 'zod'
import { completed, defineBlock, type Block, type BlockContext } from '../../../engine/block/index.ts'
import type { JsonObject } from '../../../lib/json/index.ts'
import { gatheringCaller, payOnce, PROVIDER_RETRY } from '../shared/index.ts'
import type { ApolloClient, ApolloPage } from './apollo-client.ts'
import { apolloFilters, sharedFilters } from './filters.ts'
import { pageThrough } from './page-through.ts'
import { sampleOrganization } from './sample.ts'

const MAX_SAMPLE_ORGANIZATIONS = 25

const APOLLO_NAMES = {
  name: 'q_organization_name',
  keywords: 'q_organization_keyword_tags',
  excludedLocations: 'organization_not_locations',
} as const

const configSchema = z.strictObject({
  name: z.string().optional().describe('The name, or a part of it.'),
  keywords: z.array(z.string()).default([]).describe('What organizations do, such as "mining".'),
  excludedLocations: z.array(z.string()).default([]).describe('Where headquarters must not be.'),
  ...sharedFilters,
  page: z.int().min(1).max(500).default(1).describe('The page to begin with.'),
  maxResults: z
    .int()
    .min(1)
    .max(10_000)
    .default(100)
    .describe('At most how many organizations to give back; every hundred cost a credit.'),
})
type SearchConfig = z.output<typeof configSchema>

/** `api.apollo.searchOrganizations`: each page costs a credit, so each page that was paid for is recorded. */
export function searchOrganizationsBlock({ client }: { client: ApolloClient }): Block {
  return defineBlock({
    type: 'api.apollo.searchOrganizations',
    name: 'Search organizations with Apollo',
    description:
      'Finds companies by name, domain, place, size and more. Costs one credit for each page of 100.',
    icon: 'building-2',
    effect: 'external',
    repeat: 'never',
    secrets: ['apollo'],
    config: configSchema,
    output: z.object({
      organizations: z
        .array(z.record(z.string(), z.json()))
        .describe('In Apollo’s words: id, name, primary_domain, website_url…'),
      total: z.int().describe('How many organizations Apollo knows of for these filters.'),
    }),
    retry: PROVIDER_RETRY,
    sample: sampleOrganizations({ organizationDomains: [], maxResults: 1 }, () => 0.5),
    sampleFor: ({ config, random }) => sampleOrganizations(config, random),
    estimate: ({ config }) => ({ durationMs: 1_500 * Math.ceil(config.maxResults / 100) }),
    async run(context: BlockContext<SearchConfig>) {
      const { config, secrets, clock, signal, answers, usage } = context
      const { page: first, maxResults, ...wanted } = config
      const caller = gatheringCaller({ credential: secrets.get('apollo'), clock, signal, answers })
      const body = apolloFilters(wanted, APOLLO_NAMES)
      const { records, total } = await pageThrough({ page: first, maxResults, context }, async (paging) => {
        const page = await payOnce(`page ${paging.page}`, context, async () => {
          const found = await client.searchOrganizations({ ...body, ...paging }, caller)
          usage({ quantities: { apolloCredits: 1 } })
          return { records: found.records, total: found.total }
        })
        // What was recorded is what this very function gave.
        return page as unknown as ApolloPage
      })
      return completed({ organizations: records, total })
    },
  })
}

function sampleOrganizations(
  { organizationDomains: domains, maxResults }: Pick<SearchConfig, 'organizationDomains' | 'maxResults'>,
  random: () => number,
) {
  const count = Math.min(maxResults, domains.length || MAX_SAMPLE_ORGANIZATIONS)
  const organizations: JsonObject[] = Array.from({ length: count }, (_, i) =>
    sampleOrganization(domains[i], random),
  )
  return { organizations, total: organizations.length }
}
