import { z } from 'zod'
import type { Json, JsonObject } from '../../../src/lib/json/json.ts'
import { startProviderServer, type Answer, type ProviderServer, type SeenCall } from './provider-server.ts'

const VERSION = 'v26.0'
const MAX_ROWS = 10_000
const UNHASHED: readonly string[] = ['MADID', 'EXTERN_ID', 'LOOKALIKE_VALUE']

const uploadSchema = z.object({
  session: z
    .object({
      session_id: z.int().min(1),
      batch_seq: z.int().min(1),
      last_batch_flag: z.boolean(),
      estimated_num_total: z.int().optional(),
    })
    .optional(),
  payload: z.object({ schema: z.array(z.string()).min(1), data: z.array(z.array(z.string())).min(1) }),
})
type Upload = z.output<typeof uploadSchema>

export interface MetaServer extends ProviderServer {
  /** Makes an audience as if somebody had made it before. */
  addAudience(accountId: string, name: string): string
  /** The rows that an audience holds, each as it came. */
  members(audienceId: string): readonly (readonly string[])[]
  audiences(accountId: string): readonly { readonly id: string; readonly name: string }[]
}

/** Meta's stand-in: audiences as sets, sessions whose batches come in order, usage headers, errors by code. */
export async function startMetaServer(token = 'meta-test-token'): Promise<MetaServer> {
  const audiences: { readonly account: string; readonly id: string; readonly name: string }[] = []
  const members = new Map<string, Map<string, readonly string[]>>()
  const sessions = new Map<number, { batches: number; received: number; isClosed: boolean }>()

  const ofAccount = (account: string) => audiences.filter((audience) => audience.account === account)
  const addAudience = (account: string, name: string) => {
    const id = `6008${String(audiences.length + 1).padStart(9, '0')}`
    audiences.push({ account, id, name })
    members.set(id, new Map())
    return id
  }

  function list(account: string, { query }: SeenCall): Answer {
    const limit = Number(query.get('limit') ?? 25)
    const from = Number(query.get('after') ?? 0)
    const all = ofAccount(account)
    const data = all.slice(from, from + limit).map(({ id, name }) => ({ id, name }))
    const end = from + data.length
    const paging = {
      cursors: { before: `${from}`, after: `${end}` },
      ...(end < all.length && { next: `https://graph.facebook.com/next?after=${end}` }),
    }
    return ok({ data, paging: data.length > 0 ? paging : {} })
  }

  function create(account: string, { json }: SeenCall): Answer {
    const { name, customer_file_source: source } = json as JsonObject
    if (typeof name !== 'string' || typeof source !== 'string')
      return invalidParameter('Missing name', 1_713_098)
    return ok({ id: addAudience(account, name) })
  }

  function change(id: string, { method, json }: SeenCall): Answer {
    const set = members.get(id)
    if (!set) return invalidParameter(`Object with ID '${id}' does not exist`, 33)
    const read = uploadSchema.safeParse(json)
    if (!read.success) return invalidParameter(`Invalid parameter: ${read.error.issues[0]?.path.join('.')}`)
    const { payload, session } = read.data
    if (payload.data.length > MAX_ROWS) return invalidParameter('Too many rows')
    if (payload.data.some((row) => row.length !== payload.schema.length))
      return invalidParameter('Uneven rows')
    const before = sessions.get(session?.session_id ?? 0) ?? { batches: 0, received: 0, isClosed: false }
    if (before.isClosed && session)
      return metaError({ code: 2_650, message: 'Session is closed', subcode: 1_870_159 })
    // A batch that comes again is taken again, in its place.
    if (session && session.batch_seq > before.batches + 1) return invalidParameter('Batch out of order')
    const invalid = payload.data.filter((row) => !isWellFormed(payload, row))
    for (const row of payload.data) {
      if (invalid.includes(row)) continue
      if (method === 'POST') set.set(JSON.stringify(row), row)
      else set.delete(JSON.stringify(row))
    }
    const isAgain = session !== undefined && session.batch_seq <= before.batches
    const received = before.received + (isAgain ? 0 : payload.data.length)
    if (session) {
      const batches = Math.max(before.batches, session.batch_seq)
      sessions.set(session.session_id, { batches, received, isClosed: session.last_batch_flag })
    }
    return ok({
      audience_id: id,
      session_id: `${session?.session_id ?? 1}`,
      num_received: received,
      num_invalid_entries: invalid.length,
      invalid_entry_samples: invalid.length > 0 ? { [invalid[0]?.[0] ?? '']: 'not hashed' } : [],
    })
  }

  const server = await startProviderServer((call) => {
    if (call.headers.authorization !== `Bearer ${token}`) return metaError(EXPIRED)
    const [, version, object = '', edge] = call.path.split('/')
    if (version !== VERSION)
      return metaError({ code: 2_635, message: 'You are calling a deprecated version' })
    if (edge === 'users' && ['POST', 'DELETE'].includes(call.method)) return change(object, call)
    if (edge === 'customaudiences' && object.startsWith('act_')) {
      return call.method === 'GET' ? list(object.slice(4), call) : create(object.slice(4), call)
    }
    return invalidParameter('Unsupported request')
  })
  return {
    ...server,
    addAudience,
    members: (id) => [...(members.get(id)?.values() ?? [])],
    audiences: ofAccount,
  }
}

const EXPIRED = { code: 190, subcode: 463, message: 'Error validating access token: Session has expired' }

export interface MetaErrorFacts {
  readonly code: number
  readonly message?: string
  readonly subcode?: number
  /** Default 400; an error may come under 200 as well. */
  readonly status?: number
  readonly isTransient?: boolean
  readonly usage?: UsageFacts
}

interface UsageFacts {
  readonly percent?: number
  readonly regainMinutes?: number
}

/** An error as Meta words it. */
export function metaError({
  code,
  message = 'No.',
  subcode,
  status = 400,
  isTransient,
  usage,
}: MetaErrorFacts): Answer {
  const error = {
    message,
    type: 'OAuthException',
    code,
    ...(subcode !== undefined && { error_subcode: subcode }),
    is_transient: isTransient ?? false,
    fbtrace_id: 'AbCdEf123',
  }
  return { status, headers: usageHeaders(usage ?? {}), body: { error } }
}

/** What Meta says of its limits, with every answer. */
export function usageHeaders({
  percent = 12,
  regainMinutes = 0,
}: UsageFacts): Readonly<Record<string, string>> {
  const entry = {
    type: 'custom_audience',
    call_count: percent,
    total_cputime: 3,
    total_time: 5,
    estimated_time_to_regain_access: regainMinutes,
    ads_api_access_tier: 'standard_access',
  }
  return { 'x-business-use-case-usage': JSON.stringify({ '1234567890': [entry] }) }
}

function ok(body: Json): Answer {
  return { headers: usageHeaders({}), body }
}

function invalidParameter(message: string, subcode?: number): Answer {
  return metaError({ code: 100, message, ...(subcode !== undefined && { subcode }) })
}

function isWellFormed({ schema }: Upload['payload'], row: readonly string[]): boolean {
  return row.every((value, column) => {
    const isPlain = value === '' || UNHASHED.includes(schema[column] ?? '')
    return isPlain || /^[a-f0-9]{64}$/.test(value)
  })
}
