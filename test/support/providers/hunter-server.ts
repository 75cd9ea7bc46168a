import type { JsonObject } from '../../../src/lib/json/json.ts'
import { startProviderServer, type Answer, type ProviderServer, type SeenCall } from './provider-server.ts'

export const HUNTER_KEY = 'hunter-stand-in-key'
export const HUNTER_BASE_PATH = '/v2'
const FREE_PLAN_RESULTS = 10

export interface HunterServer extends ProviderServer {
  /** Who is known at a domain; the finder, too, finds only them. */
  putDomain(domain: string, emails: readonly JsonObject[]): void
  /** The verifier answers 202 that many times before it has a result. */
  takeLonger(polls: number): void
  /** What the verifier says of an address; others are valid. */
  putStatus(email: string, status: string): void
  /** Whoever has asked not to be processed. */
  optOut(email: string): void
  /** From now on as for an account without a paid plan. */
  useFreePlan(): void
}

/** Answers like Hunter's API v2: 403 for too many calls, 429 for none left, 202 for a check that goes on. */
export async function startHunterServer(): Promise<HunterServer> {
  const domains = new Map<string, readonly JsonObject[]>()
  const statuses = new Map<string, string>()
  const optedOut = new Set<string>()
  let pendingPolls = 0
  let isFree = false
  const server = await startProviderServer(answer)

  function answer(call: SeenCall): Answer {
    const { headers, query, path } = call
    const key = headers['x-api-key'] ?? headers.authorization?.replace(/^Bearer /, '') ?? query.get('api_key')
    if (key !== HUNTER_KEY)
      return failure(401, 'authentication_failed', 'No user found for the API key supplied')
    switch (path.slice(HUNTER_BASE_PATH.length)) {
      case '/domain-search':
        return searchDomain(call)
      case '/email-finder':
        return findEmail(call)
      case '/email-verifier':
        return verify(call)
      default:
        return failure(404, 'not_found', 'The page does not exist')
    }
  }

  function searchDomain({ query }: SeenCall): Answer {
    const domain = query.get('domain')
    if (!domain && !query.get('company'))
      return failure(400, 'wrong_params', 'You are missing the domain parameter')
    const limit = Number(query.get('limit') ?? 10)
    const offset = Number(query.get('offset') ?? 0)
    if (limit > 100) return failure(400, 'invalid_limit', 'The limit is at most 100')
    if (isFree && offset + limit > FREE_PLAN_RESULTS)
      return failure(400, 'pagination_error', 'Your plan is limited to the first 10 email addresses')
    const type = query.get('type')
    const all = (domains.get(domain ?? '') ?? []).filter((email) => !type || email['type'] === type)
    return {
      body: {
        data: {
          domain,
          disposable: false,
          webmail: false,
          pattern: '{first}',
          organization: 'Acme',
          emails: all.slice(offset, offset + limit),
        },
        meta: { results: all.length, limit, offset, params: { domain, company: null, type } },
      },
    }
  }

  function findEmail({ query }: SeenCall): Answer {
    const domain = query.get('domain')
    const [first, last] = [query.get('first_name'), query.get('last_name')]
    const [fullFirst, fullLast] = query.get('full_name')?.split(' ') ?? []
    if (!domain && !query.get('company'))
      return failure(400, 'wrong_params', 'You are missing the domain parameter')
    const found = (domains.get(domain ?? '') ?? []).find(
      (email) => email['first_name'] === (first ?? fullFirst) && email['last_name'] === (last ?? fullLast),
    )
    if (typeof found?.['value'] === 'string' && optedOut.has(found['value'])) return claimed()
    return {
      body: {
        data: {
          first_name: first,
          last_name: last,
          email: found?.['value'] ?? null,
          score: found?.['confidence'] ?? null,
          domain,
          position: found?.['position'] ?? null,
          company: 'Acme',
          sources: [],
        },
        meta: { params: { domain } },
      },
    }
  }

  function verify({ query }: SeenCall): Answer {
    const email = query.get('email') ?? ''
    if (optedOut.has(email)) return claimed()
    if (pendingPolls > 0) {
      pendingPolls--
      return { status: 202, body: { data: { status: null, email }, meta: { params: { email } } } }
    }
    const status = statuses.get(email) ?? 'valid'
    const data = {
      status,
      result: 'deliverable',
      score: status === 'valid' ? 100 : 20,
      email,
      mx_records: true,
    }
    return { body: { data: { ...data, sources: [] }, meta: { params: { email } } } }
  }

  return {
    ...server,
    putDomain: (domain, emails) => void domains.set(domain, emails),
    takeLonger: (polls) => void (pendingPolls = polls),
    putStatus: (email, status) => void statuses.set(email, status),
    optOut: (email) => void optedOut.add(email),
    useFreePlan: () => void (isFree = true),
  }
}

function claimed(): Answer {
  return failure(
    451,
    'claimed_email',
    'The person has requested us directly or indirectly to stop processing their data',
  )
}

function failure(code: number, id: string, details: string): Answer {
  return { status: code, body: { errors: [{ id, code, details }] } }
}

/** The refusals that a test scripts. */
export const HUNTER_REFUSALS = {
  throttled: failure(403, 'too_many_requests', 'You have reached the rate limit'),
  usedUp: failure(
    429,
    'too_many_requests',
    'You have reached the limit for the number of searches per billing period',
  ),
}
