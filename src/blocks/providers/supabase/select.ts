import { z } from 'zod'
import { completed, defineBlock, type Block, type BlockContext } from '../../../engine/block/index.ts'
import type { JsonObject } from '../../../lib/json/index.ts'
import { gatheringCaller, PROVIDER_RETRY, repeatRead } from '../shared/index.ts'
import { filterQuery, filterSchema } from './filter.ts'
import type { Page, SupabaseCaller, SupabaseClient } from './supabase-client.ts'
import { SUPABASE_SECRETS, supabaseCaller, tableSettings } from './table-settings.ts'

/** What hosted projects give at most in one answer, unless they are set otherwise. */
const PAGE_SIZE = 1_000
const MAX_ROWS = 100_000
const PAGE_MS = 200
const SAMPLE_ROWS = 3

const configSchema = z
  .strictObject({
    ...tableSettings,
    columns: z
      .array(z.string().min(1))
      .default([])
      .describe(
        'Which columns, in PostgREST’s words: "id", "name:full_name", "company(name)". Default: all.',
      ),
    filters: z
      .array(filterSchema)
      .default([])
      .describe(
        'Rows pass all of them: { column, operator, value, not }; eq unless another operator is given.',
      ),
    anyOf: z.array(filterSchema).default([]).describe('Rows pass at least one of them, if there are any.'),
    order: z
      .array(
        z.strictObject({
          column: z.string().min(1),
          direction: z.enum(['asc', 'desc']).default('asc'),
          nulls: z.enum(['first', 'last']).optional(),
        }),
      )
      .default([])
      .describe(
        'By what rows are ordered. More than 1,000 rows come in several calls and need an order that is unique.',
      ),
    limit: z.int().min(1).max(MAX_ROWS).default(PAGE_SIZE).describe('The most rows to give back.'),
    offset: z.int().min(0).default(0).describe('How many rows to leave out at the beginning.'),
    count: z
      .boolean()
      .default(false)
      .describe('Whether all rows that pass are counted, which may take long.'),
  })
  .refine(({ limit, order }) => limit <= PAGE_SIZE || order.length > 0, {
    error: `more than ${PAGE_SIZE} rows come in several calls, which need an order`,
    path: ['order'],
  })
type SelectConfig = z.output<typeof configSchema>

const outputSchema = z.object({
  rows: z.array(z.record(z.string(), z.json())).describe('The rows, in order.'),
  total: z.int().nullable().describe('How many rows pass the filters; null unless they were counted.'),
})

/** `api.supabase.select`: rows of a table. Rows that the key may not see are left out, not refused: that is Supabase’s way. */
export function selectBlock({ client }: { client: SupabaseClient }): Block {
  return defineBlock({
    type: 'api.supabase.select',
    name: 'Select from Supabase',
    description: 'Reads rows of a table or view, filtered, ordered and page by page.',
    icon: 'database',
    effect: 'external',
    repeat: 'safe',
    secrets: SUPABASE_SECRETS,
    config: configSchema,
    output: outputSchema,
    retry: PROVIDER_RETRY,
    sample: { rows: [{ id: 1, email: 'mary@example.com', score: 72 }], total: null },
    sampleFor: ({ config, random }) => {
      const rows = Array.from({ length: Math.min(config.limit, SAMPLE_ROWS) }, (_, index) =>
        sampleRow(config, config.offset + index + 1, random),
      )
      return { rows, total: config.count ? config.offset + rows.length : null }
    },
    estimate: ({ config }) => ({ durationMs: PAGE_MS * Math.ceil(config.limit / PAGE_SIZE), costUsd: 0 }),
    async run(context: BlockContext<SelectConfig>) {
      return completed(await readPages(client, context))
    },
  })
}

/**
 * Reads until the limit, or until there is no more. A page with fewer rows than were asked for need not be the last: a
 * project may give fewer in one answer. One with fewer than the page before is.
 */
async function readPages(client: SupabaseClient, context: BlockContext<SelectConfig>) {
  const { limit, offset, count } = context.config
  const caller = gatheringCaller(supabaseCaller(context))
  const rows: JsonObject[] = []
  let total: number | null = null
  let before: number | null = null
  for (;;) {
    const wanted = {
      limit: Math.min(PAGE_SIZE, limit - rows.length),
      offset: offset + rows.length,
      isCounted: count && total === null,
    }
    const page: Page = await repeatRead(() => readPage(client, wanted, { context, caller }), context)
    for (const row of page.rows) rows.push(row)
    total ??= page.total
    context.progress(Math.min(1, rows.length / limit), `${rows.length} rows read`)
    const isShorter = before !== null && page.rows.length < before
    const isAll = rows.length >= limit || (total !== null && offset + rows.length >= total)
    if (page.rows.length === 0 || isShorter || isAll) return { rows, total }
    before = page.rows.length
  }
}

function readPage(
  client: SupabaseClient,
  { limit, offset, isCounted }: { limit: number; offset: number; isCounted: boolean },
  { context, caller }: { context: BlockContext<SelectConfig>; caller: SupabaseCaller },
) {
  const { table, schema = null, columns, filters, anyOf, order } = context.config
  const query = {
    ...filterQuery(filters, anyOf),
    select: columns.length > 0 ? columns.join(',') : '*',
    order: order.length > 0 ? order.map(orderText).join(',') : undefined,
    limit,
    offset: offset > 0 ? offset : undefined,
  }
  return client.select({ table, schema }, query, { isCounted }, caller)
}

function orderText({ column, direction, nulls }: SelectConfig['order'][number]): string {
  return [column, direction, ...(nulls ? [`nulls${nulls}`] : [])].join('.')
}

function sampleRow({ columns, filters }: SelectConfig, id: number, random: () => number): JsonObject {
  const score = Math.floor(random() * 100)
  const known: JsonObject = { id, email: `person${id}@example.com`, score }
  const asked = columns.filter((column) => /^\w+$/.test(column))
  const row =
    asked.length > 0 ? Object.fromEntries(asked.map((name) => [name, known[name] ?? `${name} ${id}`])) : known
  const equal = filters.filter(({ operator, not, column }) => operator === 'eq' && !not && column in row)
  return { ...row, ...Object.fromEntries(equal.map(({ column, value }) => [column, value])) }
}
