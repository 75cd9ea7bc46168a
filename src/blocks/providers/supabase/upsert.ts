import { z } from 'zod'
import {
  BlockError,
  completed,
  defineBlock,
  type Block,
  type BlockContext,
} from '../../../engine/block/index.ts'
import { isJsonObject, type JsonObject } from '../../../lib/json/index.ts'
import { gatheringCaller, PROVIDER_RETRY } from '../shared/index.ts'
import type { SupabaseClient } from './supabase-client.ts'
import { SUPABASE_SECRETS, supabaseCaller, tableSettings } from './table-settings.ts'

const BATCH_MS = 300
const CHECKPOINT = 'written'
const TIMEOUT_MS = 30 * 60_000

const configSchema = z.strictObject({
  ...tableSettings,
  rows: z
    .array(z.custom<JsonObject>(isJsonObject, 'must be an object'))
    .describe(
      'The rows, by column. What a row does not name stays as it is, or gets its default in a new row. Rows that name different columns go in different calls.',
    ),
  onConflict: z
    .array(z.string().min(1))
    .min(1)
    .describe(
      'The columns whose values say which row it is; the table has a unique constraint on them. Every row has all of them.',
    ),
  ignoreDuplicates: z
    .boolean()
    .default(false)
    .describe('Whether rows that are there already stay as they are.'),
  returning: z
    .array(z.string().min(1))
    .default([])
    .describe('Which columns of the written rows to give back, such as ["id"]; ["*"]: all. Default: none.'),
  batchSize: z.int().min(1).max(5_000).default(500).describe('How many rows are written in one call.'),
})
type UpsertConfig = z.output<typeof configSchema>

const outputSchema = z.object({
  written: z.int().describe('How many rows were sent.'),
  duplicates: z.int().describe('Rows in whose place a later one with the same key was sent.'),
  rows: z
    .array(z.record(z.string(), z.json()))
    .describe('The columns that were asked back, for each written row, in no particular order.'),
})

/**
 * `api.supabase.upsert`: writes rows under keys of their own, so that a batch that is written twice changes nothing. How
 * far it has come is recorded after every batch, except where rows are asked back, which are not recorded.
 */
export function upsertBlock({ client }: { client: SupabaseClient }): Block {
  return defineBlock({
    type: 'api.supabase.upsert',
    name: 'Upsert to Supabase',
    description: 'Writes rows to a table: new ones are inserted, those that are there already are updated.',
    icon: 'database-backup',
    effect: 'external',
    repeat: 'safe',
    secrets: SUPABASE_SECRETS,
    config: configSchema,
    output: outputSchema,
    retry: PROVIDER_RETRY,
    timeoutMs: TIMEOUT_MS,
    sample: { written: 2, duplicates: 0, rows: [{ id: 1 }, { id: 2 }] },
    sampleFor: ({ config }) => {
      const rows = lastByKey(config)
      const given = rows.flatMap((row) => returned(row, config.returning))
      return { written: rows.length, duplicates: config.rows.length - rows.length, rows: given }
    },
    estimate: ({ config }) => ({
      durationMs: BATCH_MS * Math.ceil(config.rows.length / config.batchSize),
      costUsd: 0,
    }),
    async run(context: BlockContext<UpsertConfig>) {
      const { config } = context
      requireKeys(config)
      const rows = lastByKey(config)
      const given = await writeBatches(client, rows, context)
      return completed({ written: rows.length, duplicates: config.rows.length - rows.length, rows: given })
    },
  })
}

/** Throws `ROW_KEY_MISSING`: a row without its key would be inserted anew with every attempt. */
function requireKeys({ rows, onConflict }: UpsertConfig): void {
  for (const [index, row] of rows.entries()) {
    const missing = onConflict.find((column) => row[column] === undefined || row[column] === null)
    if (missing === undefined) continue
    throw new BlockError(
      'ROW_KEY_MISSING',
      `Row ${index} has no "${missing}", by which rows are told apart.`,
      {
        details: { index, column: missing },
      },
    )
  }
}

/** The rows without those whose key comes again: Postgres refuses to write one row twice in one statement. */
function lastByKey({ rows, onConflict }: UpsertConfig): readonly JsonObject[] {
  const keyOf = (row: JsonObject) => JSON.stringify(onConflict.map((column) => row[column]))
  return [...new Map(rows.map((row) => [keyOf(row), row])).values()]
}

interface Batch {
  /** What all its rows name: others are not touched, where a row of that key is there already. */
  readonly columns: readonly string[]
  readonly rows: readonly JsonObject[]
}

function batchesOf(rows: readonly JsonObject[], size: number): readonly Batch[] {
  const byColumns = new Map<string, JsonObject[]>()
  for (const row of rows) {
    const columns = JSON.stringify(Object.keys(row).sort())
    const alike = byColumns.get(columns)
    if (alike) alike.push(row)
    else byColumns.set(columns, [row])
  }
  return [...byColumns].flatMap(([columns, alike]) =>
    Array.from({ length: Math.ceil(alike.length / size) }, (_, batch) => ({
      columns: JSON.parse(columns) as readonly string[],
      rows: alike.slice(batch * size, (batch + 1) * size),
    })),
  )
}

async function writeBatches(
  client: SupabaseClient,
  rows: readonly JsonObject[],
  context: BlockContext<UpsertConfig>,
): Promise<readonly JsonObject[]> {
  const { table, schema = null, onConflict, ignoreDuplicates, returning, batchSize } = context.config
  const batches = batchesOf(rows, batchSize)
  const isRecorded = returning.length === 0
  const done = isRecorded ? z.int().catch(0).parse(context.checkpoints[CHECKPOINT]) : 0
  const caller = gatheringCaller(supabaseCaller(context))
  const given: JsonObject[] = []
  for (const [index, batch] of batches.entries()) {
    if (index < done) continue
    const upsert = { ...batch, onConflict, isIgnoring: ignoreDuplicates, returning }
    for (const row of await client.upsert({ table, schema }, upsert, caller)) given.push(row)
    if (isRecorded) await context.checkpoint(CHECKPOINT, index + 1)
    context.progress((index + 1) / batches.length, `${index + 1} of ${batches.length} batches written`)
  }
  return given
}

function returned(row: JsonObject, columns: readonly string[]): readonly JsonObject[] {
  if (columns.length === 0) return []
  if (columns.includes('*')) return [row]
  return [Object.fromEntries(columns.map((column) => [column, row[column] ?? null]))]
}
