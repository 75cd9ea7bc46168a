import { z } from 'zod'
import { completed, defineBlock, type Block, type BlockContext } from '../../../engine/block/index.ts'
import type { JsonObject } from '../../../lib/json/index.ts'
import { gatheringCaller, PROVIDER_RETRY } from '../shared/index.ts'
import type { ApolloClient, ApolloPage } from './apollo-client.ts'
import { apolloFilters, sharedFilters } from './filters.ts'
import { pageThrough } from './page-through.ts'
import { sampleSearchedPerson } from './sample.ts'

const MAX_SAMPLE_PEOPLE = 25
/** Apollo shows no more than 500 pages of 100. */
const MAX_RESULTS = 50_000

/** What people can be searched by. */
export const peopleFilters = {
  titles: z.array(z.string()).default([]).describe('Job titles, such as "head of growth".'),
  includeSimilarTitles: z
    .boolean()
    .optional()
    .describe('Whether titles that are alike count. Apollo’s default: yes.'),
  keywords: z.string().optional().describe('Words to look for in the whole profile.'),
  locations: z.array(z.string()).default([]).describe('Where people live: cities, states, countries.'),
  seniorities: z
    .array(
      z.enum([
        'owner',
        'founder',
        'c_suite',
        'partner',
        'vp',
        'head',
        'director',
        'manager',
        'senior',
        'entry',
        'intern',
      ]),
    )
    .default([])
    .describe('Seniority at the present employer.'),
  emailStatuses: z
    .array(z.enum(['verified', 'unverified', 'likely to engage', 'unavailable']))
    .default([])
    .describe('What Apollo knows of the e-mail address.'),
  ...sharedFilters,
}
const APOLLO_NAMES = {
  titles: 'person_titles',
  includeSimilarTitles: 'include_similar_titles',
  keywords: 'q_keywords',
  locations: 'person_locations',
  seniorities: 'person_seniorities',
  emailStatuses: 'contact_email_status',
} as const

const configSchema = z.strictObject({
  ...peopleFilters,
  page: z.int().min(1).max(500).default(1).describe('The page to begin with.'),
  maxResults: z.int().min(1).max(MAX_RESULTS).default(100).describe('At most how many people to give back.'),
})
type SearchConfig = z.output<typeof configSchema>
export type PeopleSearch = Pick<SearchConfig, keyof typeof peopleFilters | 'page' | 'maxResults'>

/** `api.apollo.searchPeople`: costs no credits, so it may be repeated. */
export function searchPeopleBlock({ client }: { client: ApolloClient }): Block {
  return defineBlock({
    type: 'api.apollo.searchPeople',
    name: 'Search people with Apollo',
    description:
      'Finds people by title, place, employer and more. Costs no credits and gives no contact data: enrich by `id` for that.',
    icon: 'users',
    effect: 'external',
    repeat: 'safe',
    secrets: ['apollo'],
    config: configSchema,
    output: z.object({
      people: z
        .array(z.record(z.string(), z.json()))
        .describe('In Apollo’s words: id, first_name, last_name_obfuscated, title, organization…'),
      total: z.int().describe('How many people Apollo knows of for these filters.'),
    }),
    retry: PROVIDER_RETRY,
    sample: samplePeople({ titles: [], maxResults: 1 }, () => 0.5),
    sampleFor: ({ config, random }) => samplePeople(config, random),
    estimate: ({ config }) => ({ durationMs: 1_500 * Math.ceil(config.maxResults / 100), costUsd: 0 }),
    async run(context: BlockContext<SearchConfig>) {
      const { records, total } = await searchPeople(client, context.config, context)
      return completed({ people: records, total })
    },
  })
}

/** Reads as many people as are wanted, page by page. */
export function searchPeople(
  client: Pick<ApolloClient, 'searchPeople'>,
  { page, maxResults, ...wanted }: PeopleSearch,
  context: Pick<BlockContext, 'secrets' | 'clock' | 'signal' | 'answers' | 'progress'>,
): Promise<ApolloPage> {
  const { secrets, clock, signal, answers } = context
  const caller = gatheringCaller({ credential: secrets.get('apollo'), clock, signal, answers })
  const body = apolloFilters(wanted, APOLLO_NAMES)
  return pageThrough({ page, maxResults, context }, (paging) =>
    client.searchPeople({ ...body, ...paging }, caller),
  )
}

function samplePeople(
  { titles, maxResults }: Pick<SearchConfig, 'titles' | 'maxResults'>,
  random: () => number,
) {
  const people: JsonObject[] = Array.from({ length: Math.min(maxResults, MAX_SAMPLE_PEOPLE) }, (_, i) =>
    sampleSearchedPerson(titles[i % Math.max(1, titles.length)], random),
  )
  return { people, total: people.length * 20 }
}
