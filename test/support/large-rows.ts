import { canonicalHash } from '../../src/lib/json/canonical-json.ts'
import type { Json } from '../../src/lib/json/json.ts'

/** Sends a statement. */
type Query = (sql: string, values: readonly unknown[]) => Promise<unknown>

/** Stores ended executions whose outputs have one text, without running anything. */
export async function storeOutputs(
  query: Query,
  { owner, count, output }: { readonly owner: string; readonly count: number; readonly output: string },
): Promise<void> {
  await query(
    `WITH definition AS (
       INSERT INTO definitions (id, owner_id, hash, body) VALUES (gen_random_uuid(), $1, $4, '{}')
       ON CONFLICT (owner_id, hash) DO UPDATE SET hash = excluded.hash RETURNING id
     ), job AS (
       INSERT INTO jobs (id, owner_id, type, status, progress, started_at, finished_at, entry_no)
       SELECT gen_random_uuid(), $1, 'WORKFLOW', 'COMPLETED', 100, now(), now(), 1 FROM generate_series(1, $2) RETURNING id
     ), entry AS (
       INSERT INTO job_log (job_id, seq, entry_no, format, at) SELECT id, 0, 1, 1, now() FROM job
     ), value AS (
       INSERT INTO job_values (job_id, entry_no, key, value) SELECT id, 1, 'o:', $3::json FROM job
     )
     INSERT INTO executions (id, owner_id, definition_id, input, variables)
     SELECT job.id, $1, definition.id, 'null', '{}' FROM job, definition`,
    [owner, count, output, canonicalHash({})],
  )
}

/** Stores workflows with one draft, each published with another definition; `isHashed` false: as an older version did. */
export async function storeDrafts(
  query: Query,
  draft: {
    readonly owner: string
    readonly count: number
    readonly value: Json
    readonly isHashed: boolean
  },
): Promise<void> {
  const { owner, count, value, isHashed } = draft
  await query(
    `WITH definition AS (
       INSERT INTO definitions (id, owner_id, hash, body) VALUES (gen_random_uuid(), $1, $4, '{}')
       ON CONFLICT (owner_id, hash) DO UPDATE SET hash = excluded.hash RETURNING id
     ), workflow AS (
       INSERT INTO workflows (id, owner_id, name, draft, draft_hash, published_number, published_definition_id)
       SELECT gen_random_uuid(), $1, 'Large', $3::json, $5, 1, definition.id FROM definition, generate_series(1, $2) RETURNING id
     )
     INSERT INTO workflow_versions (id, owner_id, workflow_id, number, definition_id)
     SELECT gen_random_uuid(), $1, workflow.id, 1, definition.id FROM workflow, definition`,
    [owner, count, JSON.stringify(value), canonicalHash({}), isHashed ? canonicalHash(value) : null],
  )
}
