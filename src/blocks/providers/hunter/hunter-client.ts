import { z } from 'zod'
import { isJsonObject, type Json, type JsonObject } from '../../../lib/json/index.ts'
import {
  createProviderClient,
  jsonObjectSchema,
  listOf,
  readAnswer,
  statusKind,
  type FailureKind,
  type ProviderAnswer,
  type ProviderCaller,
  type ProviderFailure,
  type ProviderRequest,
  type ProviderTransport,
  type RateLimits,
} from '../shared/index.ts'

/** 403 and 429 mean the reverse of what they mean elsewhere. */
const STATUS_KINDS: Readonly<Record<number, FailureKind>> = {
  403: 'rateLimited',
  422: 'invalidRequest',
  429: 'outOfCredits',
}

/** Hunter tells nothing of its limits in its answers: these are the documented ones, a little below. */
const LOOKUP_LIMITS: RateLimits = {
  concurrency: 15,
  windows: [
    { calls: 14, spanMs: 1_000 },
    { calls: 490, spanMs: 60_000 },
  ],
}
const VERIFY_LIMITS: RateLimits = {
  concurrency: 10,
  windows: [
    { calls: 9, spanMs: 1_000 },
    { calls: 290, spanMs: 60_000 },
  ],
}

const OPTED_OUT_STATUS = 451
/** 202: the check takes longer. 222: the other mail server answered oddly, which may pass. */
const PENDING_STATUSES: readonly number[] = [202, 222]

/** Hunter adds fields at will: what is not read is kept. */
const dataSchema = z.object({ data: jsonObjectSchema })
const domainSchema = z.object({
  data: z.looseObject({
    domain: z.string().nullish(),
    organization: z.string().nullish(),
    pattern: z.string().nullish(),
    emails: listOf(jsonObjectSchema),
  }),
  meta: z.object({ results: z.int() }),
})

export type HunterLookup =
  | { readonly kind: 'answered'; readonly data: JsonObject }
  /** The person has asked Hunter not to process their data: nothing of them may be kept. */
  | { readonly kind: 'optedOut' }
export type HunterCheck = HunterLookup | { readonly kind: 'pending' }

export interface DomainPage {
  readonly domain: string | null
  readonly organization: string | null
  readonly pattern: string | null
  readonly emails: readonly JsonObject[]
  /** For the whole domain. */
  readonly total: number
}

type Query = NonNullable<ProviderRequest['query']>

/**
 * The calls of Hunter's API v2 that Lume makes (hunter.io/api-documentation/v2). All are reads, and the same lookup again
 * in one billing period is free: they may be repeated.
 */
export interface HunterClient {
  findEmail(query: Query, caller: ProviderCaller): Promise<HunterLookup>
  verifyEmail(email: string, caller: ProviderCaller): Promise<HunterCheck>
  searchDomain(query: Query, caller: ProviderCaller): Promise<DomainPage>
}

export function createHunterClient({
  baseUrl,
  ...transport
}: ProviderTransport & { readonly baseUrl: string }): HunterClient {
  const traits = {
    name: 'Hunter',
    baseUrl,
    authorize: (credential: string) => ({ 'x-api-key': credential }),
    failureOf,
  }
  const lookups = createProviderClient({ ...traits, limits: LOOKUP_LIMITS }, transport)
  const checks = createProviderClient({ ...traits, limits: VERIFY_LIMITS }, transport)

  return {
    async findEmail(query, caller) {
      const answer = await lookups.send({ path: '/email-finder', query, isRepeatable: true }, caller)
      return lookupOf(answer)
    },
    async verifyEmail(email, caller) {
      const request = { path: '/email-verifier', query: { email }, isRepeatable: true, scope: 'verify' }
      const answer = await checks.send(request, caller)
      return PENDING_STATUSES.includes(answer.status) ? { kind: 'pending' } : lookupOf(answer)
    },
    async searchDomain(query, caller) {
      const answer = await lookups.send({ path: '/domain-search', query, isRepeatable: true }, caller)
      const { data, meta } = readAnswer(traits.name, answer, domainSchema)
      const { domain = null, organization = null, pattern = null, emails } = data
      return { domain, organization, pattern, emails, total: meta.results }
    },
  }

  function lookupOf(answer: ProviderAnswer): HunterLookup {
    if (answer.status === OPTED_OUT_STATUS) return { kind: 'optedOut' }
    return { kind: 'answered', data: readAnswer(traits.name, answer, dataSchema).data }
  }
}

function failureOf({ status, json, text }: ProviderAnswer): ProviderFailure | null {
  if ((status >= 200 && status < 300) || status === OPTED_OUT_STATUS) return null
  const errors = errorsIn(json)
  const messages = errors.flatMap(({ details }) => (typeof details === 'string' ? [details] : []))
  const reason = errors[0]?.['id']
  return {
    kind: statusKind(status, STATUS_KINDS),
    message: messages.join(' ') || text || `status ${status}`,
    ...(typeof reason === 'string' && { reason }),
  }
}

function errorsIn(json: Json | undefined): readonly JsonObject[] {
  const errors = isJsonObject(json) ? json['errors'] : undefined
  return Array.isArray(errors) ? (errors as readonly Json[]).filter(isJsonObject) : []
}
