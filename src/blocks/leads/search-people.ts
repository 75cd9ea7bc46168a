import { z } from 'zod'
import { completed, defineBlock, type Block, type BlockContext } from '../../engine/block/index.ts'
import type { JsonObject } from '../../lib/json/index.ts'
import {
  enrichPeople,
  peopleFilters,
  samplePerson,
  sampleSearchedPerson,
  searchPeople,
  type ApolloClient,
} from '../providers/apollo/index.ts'
import { PROVIDER_RETRY } from '../providers/shared/index.ts'
import { apolloContact } from './contact.ts'
import { searchResult, searchResultSchema } from './search-result.ts'

/** A contact has some 400 bytes, and an output 4 MiB. */
const MAX_PEOPLE = 5_000
const MAX_SAMPLE_PEOPLE = 25
const PAGE_SIZE = 100
const PAGE_MS = 1_500
const CHUNK_SIZE = 10
const CHUNK_MS = 2_500
/** How much of the step finding people is, where they are enriched as well. */
const SEARCH_FRACTION = 0.2

/** What people are searched by. */
export const peopleSearchSchema = z.strictObject({
  ...peopleFilters,
  maxResults: z.int().min(1).max(MAX_PEOPLE).default(100).describe('At most how many people to find.'),
  enrich: z
    .boolean()
    .default(false)
    .describe(
      'Whether names and e-mail addresses are bought: a credit for each person found. Without it there is no contact data.',
    ),
  revealPersonalEmails: z
    .boolean()
    .default(false)
    .describe('With `enrich`, whether private e-mail addresses are wanted, too.'),
})
type SearchConfig = z.output<typeof peopleSearchSchema>

/**
 * `job.searchPeople`: what a SEARCH job for people runs. Searching costs nothing; each ten people that were paid for are
 * recorded, so that after a crash none of them is paid for again.
 */
export function searchPeopleJobBlock({ client }: { client: ApolloClient }): Block {
  return defineBlock({
    type: 'job.searchPeople',
    name: 'Search contacts with Apollo',
    description:
      'Finds people by title, place, employer and more, and gives each of them once, as a contact.',
    category: 'api',
    icon: 'user-search',
    effect: 'external',
    repeat: 'never',
    secrets: ['apollo'],
    config: peopleSearchSchema,
    output: searchResultSchema,
    retry: PROVIDER_RETRY,
    timeoutMs: 60 * 60_000,
    sample: sampleContacts({ titles: [], maxResults: 1, enrich: true }, () => 0.5),
    sampleFor: ({ config, random }) => sampleContacts(config, random),
    estimate: ({ config }) => estimate(config),
    async run(context: BlockContext<SearchConfig>) {
      const { maxResults, enrich, revealPersonalEmails, ...filters } = context.config
      const searching = { ...portsOf(context), progress: scaled(context, 0, enrich ? SEARCH_FRACTION : 1) }
      const { records, total } = await searchPeople(client, { ...filters, page: 1, maxResults }, searching)
      const people = enrich
        ? await buyContactData(client, records, { context, revealPersonalEmails })
        : records
      return completed(searchResult(people.map(apolloContact), total))
    },
  })
}

/** The same people; those whom Apollo has contact data of with it. */
async function buyContactData(
  client: ApolloClient,
  found: readonly JsonObject[],
  { context, revealPersonalEmails }: { context: BlockContext<SearchConfig>; revealPersonalEmails: boolean },
): Promise<readonly JsonObject[]> {
  const people = found.map(({ id }) => ({ id: typeof id === 'string' ? id : null }))
  const ports = { ...portsOf(context), progress: scaled(context, SEARCH_FRACTION, 1) }
  const bought = await enrichPeople(client, { people, revealPersonalEmails, full: false }, ports)
  return found.map((person, index) => ({ ...person, ...bought[index] }))
}

/** A context is made of getters; these are those that the two halves of the work need. */
function portsOf({
  secrets,
  clock,
  signal,
  answers,
  usage,
  checkpoints,
  checkpoint,
}: BlockContext<SearchConfig>) {
  return { secrets, clock, signal, answers, usage, checkpoints, checkpoint }
}

/** Progress of a part, as that of the whole. */
function scaled(
  { progress }: BlockContext<SearchConfig>,
  from: number,
  to: number,
): BlockContext['progress'] {
  return (fraction, message) => progress(from + (to - from) * fraction, message)
}

function sampleContacts(
  { titles, maxResults, enrich }: Pick<SearchConfig, 'titles' | 'maxResults' | 'enrich'>,
  random: () => number,
) {
  const people = Array.from({ length: Math.min(maxResults, MAX_SAMPLE_PEOPLE) }, (_, i) => {
    const person = sampleSearchedPerson(titles[i % Math.max(1, titles.length)], random)
    const id = typeof person['id'] === 'string' ? person['id'] : null
    return apolloContact(
      enrich ? { ...samplePerson({ id }, random), title: person['title'] ?? null } : person,
    )
  })
  return searchResult(people, people.length * 20)
}

function estimate({ maxResults, enrich }: SearchConfig) {
  const searchMs = PAGE_MS * Math.ceil(maxResults / PAGE_SIZE)
  if (!enrich) return { durationMs: searchMs, costUsd: 0 }
  return { durationMs: searchMs + CHUNK_MS * Math.ceil(maxResults / CHUNK_SIZE) }
}
