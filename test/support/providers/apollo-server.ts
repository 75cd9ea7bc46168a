import type { Clock } from '../../../src/lib/time/clock.ts'
import { isJsonObject, type Json, type JsonObject } from '../../../src/lib/json/json.ts'
import { startProviderServer, type Answer, type ProviderServer, type SeenCall } from './provider-server.ts'

export const APOLLO_KEY = 'apollo-stand-in-key'
/** Answered as one that may not search. */
export const APOLLO_NARROW_KEY = 'apollo-key-for-enrichment-only'
export const APOLLO_BASE_PATH = '/api/v1'
const MAX_DETAILS = 10
const MINUTE_LIMIT = 200
const MINUTE_MS = 60_000

export interface ApolloServer extends ProviderServer {
  /** Credits spent so far. */
  readonly spent: number
  putPeople(people: readonly JsonObject[]): void
  putOrganizations(organizations: readonly JsonObject[], saved?: readonly JsonObject[]): void
  /** How many calls the server takes in a minute of its clock, on all endpoints; default 200. */
  limitMinute(calls: number): void
  /** Pages lose that many of their records after counting. */
  shortenPages(by: number): void
}

/** Answers like Apollo's API v1: filters by query or body, windows told by headers, nobody for whom it does not know. */
export async function startApolloServer(clock: Pick<Clock, 'now'>): Promise<ApolloServer> {
  let people: readonly JsonObject[] = []
  let organizations: readonly JsonObject[] = []
  let accounts: readonly JsonObject[] = []
  let missing = 0
  let spent = 0
  let minute = 0
  let minuteLimit = MINUTE_LIMIT
  let used = 0
  const server = await startProviderServer(answer)

  function answer(call: SeenCall): Answer {
    const key = call.headers['x-api-key']
    if (key !== APOLLO_KEY && key !== APOLLO_NARROW_KEY) {
      const body =
        'Invalid API key. See https://docs.apollo.io/reference/authentication for more information.'
      return { status: 401, body }
    }
    const path = call.path.slice(APOLLO_BASE_PATH.length)
    if (key === APOLLO_NARROW_KEY && path.startsWith('/mixed')) {
      const error = `This API key is not authorized to access api/v1${path}`
      return { status: 403, body: { error, error_code: 'API_INACCESSIBLE' } }
    }
    const reply = isInTime() ? route(path, call) : tooMany(path)
    return { ...reply, headers: { ...usageHeaders(), ...reply.headers } }
  }

  function route(path: string, call: SeenCall): Answer {
    switch (path) {
      case '/mixed_people/api_search':
        return searchPeople(call)
      case '/mixed_companies/search':
        return searchOrganizations(call)
      case '/people/match':
        return match(call)
      case '/people/bulk_match':
        return bulkMatch(call)
      default:
        return { status: 404, body: { error: 'Not found' } }
    }
  }

  /** Counts by fixed minutes. */
  function isInTime(): boolean {
    const now = Math.floor(clock.now() / MINUTE_MS)
    if (now !== minute) [minute, used] = [now, 0]
    used++
    return used <= minuteLimit
  }

  function tooMany(path: string): Answer {
    const message = `The maximum number of api calls allowed for api/v1${path} is ${minuteLimit} times per minute.`
    const waitSecs = Math.ceil((MINUTE_MS - (clock.now() % MINUTE_MS)) / 1_000)
    return { status: 429, headers: { 'retry-after': String(waitSecs) }, body: { message } }
  }

  function searchPeople(call: SeenCall): Answer {
    const titles = listParameter(call, 'person_titles')
    const found = people.filter(
      ({ title }) => titles.length === 0 || (typeof title === 'string' && titles.includes(title)),
    )
    const { from, to } = pageOf(call)
    return {
      body: {
        total_entries: found.length,
        people: found.slice(from, to - missing).map(({ id, first_name, last_name, title }) => ({
          id,
          first_name,
          last_name_obfuscated: typeof last_name === 'string' ? `${last_name.slice(0, 2)}***` : null,
          title,
          has_email: true,
        })),
      },
    }
  }

  function searchOrganizations(call: SeenCall): Answer {
    spent++
    const { page, perPage, from, to } = pageOf(call)
    const total = organizations.length + accounts.length
    const all = [...accounts, ...organizations].slice(from, to)
    return {
      body: {
        breadcrumbs: [],
        partial_results_only: false,
        pagination: {
          page,
          per_page: perPage,
          total_entries: total,
          total_pages: Math.ceil(total / perPage),
        },
        accounts: all.filter((one) => accounts.includes(one)),
        organizations: all.filter((one) => organizations.includes(one)),
      },
    }
  }

  function match(call: SeenCall): Answer {
    const person = find(call.json)
    if (person) spent++
    return { body: { person } }
  }

  function bulkMatch(call: SeenCall): Answer {
    const details = isJsonObject(call.json) ? call.json['details'] : undefined
    const wishes = Array.isArray(details) ? (details as readonly Json[]) : []
    if (wishes.length === 0 || wishes.length > MAX_DETAILS || wishes.some((wish) => isEmpty(wish)))
      return failed(400, 'INVALID_REQUEST', 'invalid request, missing details')
    const matches = wishes.map(find)
    const credits = matches.filter(Boolean).length
    spent += credits
    return {
      body: {
        status: 'success',
        error_code: null,
        error_message: null,
        total_requested_enrichments: wishes.length,
        unique_enriched_records: credits,
        missing_records: wishes.length - credits,
        credits_consumed: credits,
        matches,
      },
    }
  }

  function find(wish: Json): JsonObject | null {
    if (!isJsonObject(wish)) return null
    const { id, email, name, first_name: firstName, domain } = wish
    return (
      people.find(
        (person) =>
          (id !== undefined && person['id'] === id) ||
          (email !== undefined && person['email'] === email) ||
          (firstName !== undefined && person['first_name'] === firstName && person['domain'] === domain) ||
          (name !== undefined && person['name'] === name && person['domain'] === domain),
      ) ?? null
    )
  }

  /** A window without a limit has an empty value. */
  function usageHeaders(): Record<string, string> {
    return {
      'x-rate-limit-minute': String(minuteLimit),
      'x-minute-usage': String(used),
      'x-minute-requests-left': String(Math.max(0, minuteLimit - used)),
      'x-rate-limit-hourly': '',
      'x-hourly-requests-left': '',
      'x-rate-limit-24-hour': '2000',
      'x-24-hour-requests-left': '1880',
    }
  }

  return {
    ...server,
    get spent() {
      return spent
    },
    putPeople: (given) => void (people = given),
    putOrganizations(given, saved = []) {
      organizations = given
      accounts = saved
    },
    limitMinute: (calls) => void (minuteLimit = calls),
    shortenPages: (by) => void (missing = by),
  }
}

function pageOf(call: SeenCall): { page: number; perPage: number; from: number; to: number } {
  const page = Number(parameter(call, 'page') ?? 1)
  const perPage = Math.min(100, Number(parameter(call, 'per_page') ?? 10))
  return { page, perPage, from: (page - 1) * perPage, to: page * perPage }
}

/** Parameters are taken from the query and from the body alike. */
function parameter({ query, json }: SeenCall, name: string): Json | undefined {
  return query.get(name) ?? (isJsonObject(json) ? json[name] : undefined)
}

function listParameter(call: SeenCall, name: string): readonly string[] {
  const inBody = parameter(call, name)
  return [...call.query.getAll(`${name}[]`), ...(Array.isArray(inBody) ? (inBody as readonly string[]) : [])]
}

function isEmpty(wish: Json): boolean {
  return !isJsonObject(wish) || Object.keys(wish).length === 0
}

function failed(status: number, code: string, message: string): Answer {
  return { status, body: { status: 'failed', error_code: code, error_message: message } }
}
