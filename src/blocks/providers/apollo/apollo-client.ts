import { z } from 'zod'
import { isJsonObject, type Json, type JsonObject } from '../../../lib/json/index.ts'
import { retryAfterMs } from '../../../net/index.ts'
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
  type ProviderTraits,
  type ProviderTransport,
} from '../shared/index.ts'

const STATUS_KINDS: Readonly<Record<number, FailureKind>> = { 402: 'outOfCredits', 422: 'invalidRequest' }

const MAX_CONCURRENT_CALLS = 10
const DAY_MS = 24 * 60 * 60_000

/** Apollo adds fields at will: what is not read is kept. */
const peoplePageSchema = z.object({
  people: listOf(jsonObjectSchema),
  total_entries: z.int().nullish(),
  pagination: z.object({ total_entries: z.int().nullish() }).nullish(),
})
const organizationPageSchema = z.object({
  organizations: listOf(jsonObjectSchema).nullish(),
  accounts: listOf(jsonObjectSchema).nullish(),
  pagination: z.object({ total_entries: z.int() }),
})
const matchSchema = z.object({ person: jsonObjectSchema.nullish() })
const matchesSchema = z.object({
  matches: listOf(jsonObjectSchema.nullable()),
  credits_consumed: z.number().nullish(),
})

export interface ApolloPage {
  readonly records: readonly JsonObject[]
  /** On all pages together. */
  readonly total: number
}

export interface ApolloMatches {
  /** As many as were asked for, in their order; null where Apollo knows nobody. */
  readonly people: readonly (JsonObject | null)[]
  /** Null where Apollo does not say. */
  readonly creditsConsumed: number | null
}

export interface EnrichWish {
  readonly revealPersonalEmails: boolean
}

/** The calls of Apollo's API v1 that Lume makes (docs.apollo.io/reference). Bodies carry Apollo's own field names. */
export interface ApolloClient {
  /** Costs nothing. */
  searchPeople(filters: JsonObject, caller: ProviderCaller): Promise<ApolloPage>
  /** Costs a credit a page. */
  searchOrganizations(filters: JsonObject, caller: ProviderCaller): Promise<ApolloPage>
  /** Costs a credit for each person found. */
  matchPerson(person: JsonObject, wish: EnrichWish, caller: ProviderCaller): Promise<JsonObject | null>
  /** The same for up to ten. */
  matchPeople(people: readonly JsonObject[], wish: EnrichWish, caller: ProviderCaller): Promise<ApolloMatches>
}

export function createApolloClient({
  baseUrl,
  ...transport
}: ProviderTransport & { readonly baseUrl: string }): ApolloClient {
  const client = createProviderClient(apolloTraits(baseUrl), transport)

  async function post<T>(
    call: {
      path: string
      query?: ProviderRequest['query']
      body: JsonObject
      isRepeatable: boolean
      schema: z.ZodType<T>
    },
    caller: ProviderCaller,
  ): Promise<T> {
    const { path, query = {}, body, isRepeatable, schema } = call
    const headers = { 'cache-control': 'no-cache' }
    const answer = await client.send(
      // Apollo counts calls by endpoint.
      { method: 'POST', path, query, headers, body: { json: body }, isRepeatable, scope: path },
      caller,
    )
    return readAnswer(client.name, answer, schema)
  }

  return {
    async searchPeople(body, caller) {
      const call = { path: '/mixed_people/api_search', body, isRepeatable: true, schema: peoplePageSchema }
      const { people, total_entries, pagination } = await post(call, caller)
      return { records: people, total: total_entries ?? pagination?.total_entries ?? people.length }
    },
    async searchOrganizations(body, caller) {
      const call = {
        path: '/mixed_companies/search',
        body,
        isRepeatable: false,
        schema: organizationPageSchema,
      }
      const { accounts, organizations, pagination } = await post(call, caller)
      // What the team has saved before comes apart from the rest.
      return { records: [...(accounts ?? []), ...(organizations ?? [])], total: pagination.total_entries }
    },
    async matchPerson(person, { revealPersonalEmails }, caller) {
      const body = { ...person, reveal_personal_emails: revealPersonalEmails }
      const call = { path: '/people/match', body, isRepeatable: false, schema: matchSchema }
      return (await post(call, caller)).person ?? null
    },
    async matchPeople(details, { revealPersonalEmails }, caller) {
      const schema = matchesSchema.refine(({ matches }) => matches.length === details.length, {
        error: `there are not ${details.length} matches`,
        path: ['matches'],
      })
      const call = {
        path: '/people/bulk_match',
        query: { reveal_personal_emails: revealPersonalEmails },
        body: { details },
        isRepeatable: false,
        schema,
      }
      const { matches, credits_consumed } = await post(call, caller)
      return { people: matches, creditsConsumed: credits_consumed ?? null }
    },
  }
}

function apolloTraits(baseUrl: string): ProviderTraits {
  return {
    name: 'Apollo',
    baseUrl,
    limits: { concurrency: MAX_CONCURRENT_CALLS },
    authorize: (credential) => ({ 'x-api-key': credential }),
    failureOf,
    callsLeft,
  }
}

const LEFT_HEADERS = ['x-minute-requests-left', 'x-hourly-requests-left', 'x-24-hour-requests-left']

/** The least of the three windows; a window without a limit has an empty header. */
function callsLeft({ header }: ProviderAnswer): number | null {
  const left = LEFT_HEADERS.map((name) => header(name) ?? '')
    .filter((text) => /^\d+$/.test(text))
    .map(Number)
  return left.length > 0 ? Math.min(...left) : null
}

function failureOf(answer: ProviderAnswer): ProviderFailure | null {
  const { status, json, text } = answer
  if (status >= 200 && status < 300) return null
  const message = messageIn(json) ?? (text || `status ${status}`)
  const reason = isJsonObject(json) ? json['error_code'] : undefined
  const isOutOfCredits = /(insufficient|not enough|out of|no)\b.{0,40}\bcredits/i.test(message)
  return {
    kind: isOutOfCredits && status < 500 ? 'outOfCredits' : statusKind(status, STATUS_KINDS),
    message,
    ...(typeof reason === 'string' && { reason }),
    ...(status === 429 && isDayOver(answer) && { retryAfterMs: dayWaitMs(answer) }),
  }
}

/** Whether the calls of the whole day are used up: no wait that is worth a step's time helps. */
function isDayOver({ header }: ProviderAnswer): boolean {
  return header('x-24-hour-requests-left') === '0'
}

function dayWaitMs({ header }: ProviderAnswer): number {
  return Math.max(retryAfterMs(header('retry-after'), 0) ?? 0, DAY_MS)
}

/** Apollo says it under different names, sometimes as JSON in a text of JSON. */
function messageIn(json: Json | undefined, depth = 0): string | null {
  if (!isJsonObject(json)) return null
  const found = [json['error_message'], json['message'], json['error']].find(
    (text) => typeof text === 'string',
  )
  if (typeof found !== 'string') return null
  if (depth > 0 || !found.trimStart().startsWith('{')) return found
  try {
    return messageIn(JSON.parse(found) as Json, depth + 1) ?? found
  } catch {
    return found
  }
}
