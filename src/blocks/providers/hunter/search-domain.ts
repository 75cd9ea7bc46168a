import { z } from 'zod'
import {
  BlockError,
  completed,
  defineBlock,
  type Block,
  type BlockContext,
} from '../../../engine/block/index.ts'
import type { Json, JsonObject } from '../../../lib/json/index.ts'
import { gatheringCaller, PROVIDER_RETRY, wholeBelow } from '../shared/index.ts'
import type { DomainPage, HunterClient } from './hunter-client.ts'
import { sampleAddress } from './sample.ts'

const MAX_PAGE_SIZE = 100
const EMAILS_PER_CREDIT = 10
const SMALL_PLAN_RESULTS = 10
const MAX_SAMPLE_EMAILS = 10

const configSchema = z
  .strictObject({
    domain: z.string().nullish().describe('The domain, such as "acme.com".'),
    company: z.string().nullish().describe('The name of the company, where the domain is not known.'),
    type: z.enum(['personal', 'generic']).optional().describe('Only addresses of people, or only of roles.'),
    seniorities: z
      .array(z.enum(['junior', 'senior', 'executive']))
      .default([])
      .describe('Only people of these seniorities.'),
    departments: z
      .array(z.string().min(1))
      .default([])
      .describe('Only people of these departments, such as "it" or "sales".'),
    verificationStatuses: z
      .array(z.enum(['valid', 'accept_all', 'unknown']))
      .default([])
      .describe('Only addresses that were checked with these results.'),
    maxResults: z
      .int()
      .min(1)
      .max(10_000)
      .default(10)
      .describe('At most how many addresses to give back; every ten begun cost a credit.'),
    withSources: z.boolean().default(false).describe('Whether each address comes with where it was found.'),
  })
  .superRefine(({ domain, company }, context) => {
    if (domain || company) return
    context.addIssue({ code: 'custom', message: 'is required, or a company', path: ['domain'] })
  })
type SearchConfig = z.output<typeof configSchema>

const outputSchema = z.object({
  domain: z.string().nullable().describe('The domain that was searched.'),
  organization: z.string().nullable().describe('Whose domain it is.'),
  pattern: z.string().nullable().describe('How addresses are made there, such as "{first}.{last}".'),
  emails: z
    .array(z.record(z.string(), z.json()))
    .describe('In Hunter’s words: value, type, confidence, first_name, last_name, position…'),
  total: z.int().describe('How many addresses Hunter knows there.'),
  isLimited: z.boolean().describe('Whether the plan does not give more of them.'),
})

/** `api.hunter.searchDomain`: the same lookup again is free for a month, so it may be repeated. */
export function searchDomainBlock({ client }: { client: HunterClient }): Block {
  return defineBlock({
    type: 'api.hunter.searchDomain',
    name: 'Search a domain with Hunter',
    description:
      'Lists the e-mail addresses that are known of a company. Costs a credit for every ten begun.',
    icon: 'globe',
    effect: 'external',
    repeat: 'safe',
    secrets: ['hunter'],
    config: configSchema,
    output: outputSchema,
    retry: PROVIDER_RETRY,
    sample: sampleSearch({ domain: 'acme.example', maxResults: 1 }, () => 0.5),
    sampleFor: ({ config, random }) => sampleSearch(config, random),
    estimate: ({ config }) => ({ durationMs: 1_000 * Math.ceil(config.maxResults / MAX_PAGE_SIZE) }),
    async run(context: BlockContext<SearchConfig>) {
      const { config, log } = context
      const { first, emails, isLimited } = await readPages(client, context)
      if (isLimited) log.warn(`Hunter’s plan gives no more than ${emails.length} of ${first.total} addresses`)
      const { domain, organization, pattern, total } = first
      const shown = config.withSources ? emails : emails.map(withoutSources)
      return completed({ domain, organization, pattern, emails: shown, total, isLimited })
    },
  })
}

function withoutSources(email: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(email).filter(([field]) => field !== 'sources'))
}

async function readPages(
  client: HunterClient,
  { config, secrets, clock, signal, answers, usage, progress }: BlockContext<SearchConfig>,
): Promise<{ first: DomainPage; emails: readonly JsonObject[]; isLimited: boolean }> {
  const caller = gatheringCaller({ credential: secrets.get('hunter'), clock, signal, answers })
  const limit = Math.min(MAX_PAGE_SIZE, config.maxResults)
  const filters = filtersOf(config)
  const read = (offset: number, size: number) =>
    client.searchDomain({ ...filters, limit: size, offset }, caller)
  const wholePage = await read(0, limit).catch(nullAtPlanLimit)
  const first = wholePage ?? (await read(0, SMALL_PLAN_RESULTS))
  const emails: JsonObject[] = []
  let page: DomainPage | null = first
  for (let offset = limit; page; offset += limit) {
    for (const email of page.emails) emails.push(email)
    usage({ quantities: { hunterCredits: Math.ceil(page.emails.length / EMAILS_PER_CREDIT) } })
    const wanted = Math.max(1, Math.min(config.maxResults, page.total))
    progress(Math.min(1, emails.length / wanted), `${emails.length} of ${page.total} addresses read`)
    if (emails.length >= wanted || offset >= page.total)
      return { first, emails: emails.slice(0, config.maxResults), isLimited: false }
    page = wholePage && (await read(offset, limit).catch(nullAtPlanLimit))
  }
  return { first, emails, isLimited: true }
}

/** Small plans show the first addresses only, and call it a mistake to ask for others. */
function nullAtPlanLimit(fault: unknown): null {
  if (fault instanceof BlockError && fault.details?.['reason'] === 'pagination_error') return null
  throw fault
}

function filtersOf(config: SearchConfig): Record<string, string | undefined> {
  const { domain, company, type, seniorities, departments, verificationStatuses } = config
  const list = (values: readonly string[]) => (values.length > 0 ? values.join(',') : undefined)
  return {
    domain: domain || undefined,
    company: domain ? undefined : company || undefined,
    type,
    seniority: list(seniorities),
    department: list(departments),
    verification_status: list(verificationStatuses),
  }
}

const SAMPLE_NAMES = ['Dana Rosen', 'Luca Bianchi', 'Amira Haddad', 'Noah Novak', 'Ines Silva', 'Kofi Mensah']

function sampleSearch(
  { domain, company, maxResults }: Partial<SearchConfig> & { readonly maxResults: number },
  random: () => number,
): Json {
  const emails = Array.from(
    { length: Math.min(maxResults, MAX_SAMPLE_EMAILS, SAMPLE_NAMES.length) },
    (_, i) => {
      const name = SAMPLE_NAMES[i] ?? ''
      const [firstName = '', lastName = ''] = name.split(' ')
      return {
        value: sampleAddress({ name, domain, company }),
        type: 'personal',
        confidence: 70 + wholeBelow(30, random),
        first_name: firstName,
        last_name: lastName,
        position: 'Head of Growth',
      }
    },
  )
  const [address = '@acme.example'] = emails.map(({ value }) => value)
  return {
    domain: address.split('@')[1] ?? null,
    organization: company ?? null,
    pattern: '{first}.{last}',
    emails,
    total: emails.length,
    isLimited: false,
  }
}
