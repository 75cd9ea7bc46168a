import type { Json, JsonObject } from '../../../src/lib/json/json.ts'
import { startProviderServer, type Answer, type ProviderServer, type SeenCall } from './provider-server.ts'
import { columnsOf, rowsOf } from './supabase-rows.ts'

/** A table: what it holds, and by which columns its rows are unique. */
export interface StandInTable {
  readonly rows: JsonObject[]
  readonly columns: readonly string[]
  readonly unique: readonly string[]
  /** Rows are there but no policy lets anybody see them. */
  readonly isHidden?: boolean
  /** Nobody may write. */
  readonly isReadOnly?: boolean
}

export interface SupabaseServer extends ProviderServer {
  /** Default 1,000, as hosted projects have it. */
  setMaxRows(count: number): void
}

/** Supabase's stand-in: PostgREST over tables in memory, behind a gateway that wants the key in `apikey`. */
export async function startSupabaseServer(
  tables: Readonly<Record<string, StandInTable>>,
  key: string,
): Promise<SupabaseServer> {
  let maxRows = 1_000
  const server = await startProviderServer((call) => {
    const refused = refusal(call, key)
    if (refused) return refused
    const name = call.path.replace(/^\/rest\/v1\//, '')
    const schema = call.headers['accept-profile'] ?? call.headers['content-profile'] ?? 'public'
    const table = tables[schema === 'public' ? name : `${String(schema)}.${name}`]
    if (!table) {
      const message = `Could not find the table '${String(schema)}.${name}' in the schema cache`
      return problem(404, { code: 'PGRST205', message, hint: null })
    }
    return call.method === 'GET' ? select(table, call, maxRows) : upsert(table, call)
  })
  return { ...server, setMaxRows: (count) => void (maxRows = count) }
}

/** An error as PostgREST words it. */
export function problem(
  status: number,
  fields: { code?: string; message: string; details?: string; hint?: string | null },
): Answer {
  return { status, body: fields }
}

function refusal({ headers }: SeenCall, key: string): Answer | null {
  const { apikey, authorization } = headers
  if (!apikey)
    return problem(401, {
      message: 'No API key found in request',
      hint: 'No `apikey` request header was found.',
    })
  if (apikey !== key) return problem(401, { message: 'Invalid API key', hint: 'Double check your API key.' })
  const isToken = authorization === undefined || authorization === `Bearer ${key}`
  return isToken && !(authorization && key.startsWith('sb_'))
    ? null
    : problem(401, { code: 'PGRST301', message: 'Expected 3 parts in JWT; got 1' })
}

function select(table: StandInTable, { query, headers }: SeenCall, maxRows: number): Answer {
  const asked = (query.get('select') ?? '*').split(',')
  const unknown = asked.find((column) => column !== '*' && !table.columns.includes(column))
  if (unknown) return problem(400, { code: '42703', message: `column leads.${unknown} does not exist` })
  const all = table.isHidden ? [] : rowsOf(table.rows, query)
  const offset = Number(query.get('offset') ?? 0)
  const limit = Math.min(maxRows, Number(query.get('limit') ?? maxRows))
  const page = all.slice(offset, offset + limit)
  const isCounted = String(headers['prefer'] ?? '').includes('count=exact')
  const range = page.length > 0 ? `${offset}-${offset + page.length - 1}` : '*'
  return {
    status: isCounted && page.length < all.length ? 206 : 200,
    headers: { 'content-range': `${range}/${isCounted ? all.length : '*'}` },
    body: page.map((row) => columnsOf(row, query.get('select'))),
  }
}

function upsert(table: StandInTable, { query, headers, json }: SeenCall): Answer {
  const prefer = String(headers['prefer'] ?? '')
  const rows = [json].flat() as readonly JsonObject[]
  const keys = (query.get('on_conflict') ?? '').split(',')
  const columns = query.get('columns')?.split(',') ?? Object.keys(rows[0] ?? {})
  const unknown = columns.find((column) => !table.columns.includes(column))
  if (unknown)
    return problem(400, { code: 'PGRST204', message: `Could not find the '${unknown}' column of 'leads'` })
  if (table.isReadOnly) {
    return problem(401, {
      code: '42501',
      message: 'new row violates row-level security policy for table "leads"',
    })
  }
  if (keys.join() !== table.unique.join()) {
    return problem(400, {
      code: '42P10',
      message: 'there is no unique constraint matching the ON CONFLICT specification',
    })
  }
  const keyOf = (row: JsonObject) => JSON.stringify(table.unique.map((column) => row[column]))
  if (new Set(rows.map(keyOf)).size < rows.length) {
    return problem(500, {
      code: '21000',
      message: 'ON CONFLICT DO UPDATE command cannot affect row a second time',
    })
  }
  const written: JsonObject[] = []
  for (const row of rows) {
    const place = table.rows.findIndex((known) => keyOf(known) === keyOf(row))
    const named = Object.fromEntries(columns.map((column): [string, Json] => [column, row[column] ?? null]))
    if (place >= 0 && prefer.includes('ignore-duplicates')) continue
    const next = place >= 0 ? { ...table.rows[place], ...named } : withDefaults(table, named)
    if (place >= 0) table.rows[place] = next
    else table.rows.push(next)
    written.push(next)
  }
  const isAsked = prefer.includes('return=representation')
  return {
    status: 201,
    ...(isAsked && { body: written.map((row) => columnsOf(row, query.get('select'))) }),
  }
}

function withDefaults({ columns, rows }: StandInTable, row: JsonObject): JsonObject {
  const empty = Object.fromEntries(columns.map((column): [string, Json] => [column, null]))
  return { ...empty, ...(columns.includes('id') && { id: rows.length + 1 }), ...row }
}
