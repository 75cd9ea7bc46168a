import type { Json, JsonObject } from '../../../lib/json/index.ts'
import {
  createProviderClient,
  jsonObjectSchema,
  listOf,
  readAnswer,
  type ProviderAnswer,
  type ProviderCaller,
  type ProviderRequest,
  type ProviderTransport,
} from '../shared/index.ts'
import { supabaseFailure } from './supabase-failure.ts'

const NAME = 'Supabase'
const MAX_CONCURRENT_CALLS = 10
const TIMEOUT_MS = 60_000
/** Keys of that kind are no JWTs: only older ones are sent as a bearer's, too. */
const KEY_WITHOUT_TOKEN = /^sb_/

const rowsSchema = listOf(jsonObjectSchema)

/** Whose database it is, and in whose name it is asked. */
export interface SupabaseCaller extends ProviderCaller {
  /** `https://<project>.supabase.co`. */
  readonly projectUrl: string
}

export interface TablePlace {
  readonly table: string
  /** Null: the one that the project shows first, usually `public`. */
  readonly schema: string | null
}

export interface Page {
  readonly rows: readonly JsonObject[]
  /** All rows that the query has; null where it was not asked for. */
  readonly total: number | null
}

/** The calls of PostgREST that Lume makes. They are plain HTTP: nothing of Supabase's own library is needed. */
export interface SupabaseClient {
  select(
    place: TablePlace,
    query: NonNullable<ProviderRequest['query']>,
    options: { readonly isCounted: boolean },
    caller: SupabaseCaller,
  ): Promise<Page>
  /** Writes rows under their keys: the same rows again change nothing. Gives the rows back where `select` is asked for. */
  upsert(place: TablePlace, upsert: Upsert, caller: SupabaseCaller): Promise<readonly JsonObject[]>
}

export interface Upsert {
  readonly rows: readonly JsonObject[]
  readonly columns: readonly string[]
  readonly onConflict: readonly string[]
  readonly isIgnoring: boolean
  /** The columns to give back; none: nothing is given back. */
  readonly returning: readonly string[]
}

export function createSupabaseClient(transport: ProviderTransport): SupabaseClient {
  function send(
    request: Omit<ProviderRequest, 'isRepeatable'>,
    caller: SupabaseCaller,
  ): Promise<ProviderAnswer> {
    const client = createProviderClient(
      {
        name: NAME,
        baseUrl: caller.projectUrl.replace(/\/+$/, ''),
        limits: { concurrency: MAX_CONCURRENT_CALLS },
        authorize: (key) => ({
          apikey: key,
          ...(!KEY_WITHOUT_TOKEN.test(key) && { authorization: `Bearer ${key}` }),
        }),
        failureOf: supabaseFailure,
      },
      transport,
    )
    return client.send({ ...request, timeoutMs: TIMEOUT_MS, isRepeatable: true }, caller)
  }

  return {
    async select({ table, schema }, query, { isCounted }, caller) {
      const headers = {
        ...(schema !== null && { 'accept-profile': schema }),
        ...(isCounted && { prefer: 'count=exact' }),
      }
      const answer = await send({ path: pathOf(table), query, headers }, caller)
      const total = isCounted ? totalOf(answer) : null
      return { rows: readAnswer(NAME, answer, rowsSchema), total }
    },
    async upsert({ table, schema }, { rows, columns, onConflict, isIgnoring, returning }, caller) {
      const wants = [
        `resolution=${isIgnoring ? 'ignore' : 'merge'}-duplicates`,
        `return=${returning.length > 0 ? 'representation' : 'minimal'}`,
      ]
      const request = {
        method: 'POST' as const,
        path: pathOf(table),
        query: {
          on_conflict: names(onConflict),
          columns: names(columns),
          select: returning.length > 0 ? returning.join(',') : undefined,
        },
        headers: { prefer: wants.join(','), ...(schema !== null && { 'content-profile': schema }) },
        body: { json: rows as Json },
      }
      const answer = await send(request, caller)
      return returning.length > 0 ? readAnswer(NAME, answer, rowsSchema) : []
    },
  }
}

function pathOf(table: string): string {
  return `/rest/v1/${encodeURIComponent(table)}`
}

function names(columns: readonly string[]): string {
  return columns.map((column) => (/^\w+$/.test(column) ? column : JSON.stringify(column))).join(',')
}

/** `Content-Range: 0-99/412`; `*\/0` of an empty table. */
function totalOf(answer: ProviderAnswer): number | null {
  const total = /\/(\d+)$/.exec(answer.header('content-range') ?? '')?.[1]
  return total === undefined ? null : Number(total)
}
