import { createHash } from 'node:crypto'
import { newId, type DefinitionId, type OwnerId, type WorkflowId } from '../../lib/index.ts'
import type { Json } from '../../lib/json/index.ts'
import { first, StatementValues, type Queryable } from '../sql/index.ts'

/** A workflow without its draft, which may be large. */
export interface WorkflowRow {
  readonly name: string
  readonly revision: number
  /** The bytes of the draft's JSON text. */
  readonly draftBytes: number
  /** The number of its newest version, and the definition of that; null until one is published. */
  readonly publishedNumber: number | null
  readonly publishedDefinitionId: DefinitionId | null
  readonly archivedAt: Date | null
}

/** A draft as it is written: its JSON text, and the hash of its value, as that of a definition. */
export interface DraftText {
  readonly text: string
  readonly hash: string
}

export interface WorkflowFields {
  readonly name: string
  readonly description: string
  readonly tags: readonly string[]
  readonly draft: DraftText
}

/** A workflow, compared with values of its fields. */
export interface ComparedWorkflow {
  readonly revision: number
  /** The bytes of the stored draft's JSON text. */
  readonly draftBytes: number
  /** Whether all values are stored already, the draft with its members in the same order. */
  readonly isStored: boolean
}

/** Workflows and their drafts. A draft is sent and read only where a method says so. */
export interface WorkflowStore {
  insert(ownerId: OwnerId, fields: WorkflowFields, at: Date): Promise<WorkflowId>
  /** Stores a new workflow with the draft, description and tags of another; null when that is gone. */
  copy(source: WorkflowKey, copy: { readonly name: string; readonly at: Date }): Promise<WorkflowId | null>
  find(workflow: WorkflowKey): Promise<WorkflowRow | null>
  /** Compares fields in the database, which needs no more of a draft than two hashes. Null when the workflow is gone. */
  compare(workflow: WorkflowKey, fields: Partial<WorkflowFields>): Promise<ComparedWorkflow | null>
  /** Reads the draft; undefined when the workflow is gone or, where a revision is expected, has another one by now. */
  draft(target: RevisedWorkflow): Promise<Json | undefined>
  /** Returns the new revision; null when the workflow is gone or, where a revision is expected, has another one by now. */
  update(target: RevisedWorkflow, changes: Partial<WorkflowFields>, at: Date): Promise<number | null>
  /** Archives it or undoes that; nothing changes when it is in that state already. False when it is gone. */
  archive(
    target: RevisedWorkflow,
    change: { readonly archived: boolean; readonly at: Date },
  ): Promise<boolean>
  /** Marks it deleted, so that executions keep what they point to; false when it was gone. */
  delete(target: RevisedWorkflow, at: Date): Promise<boolean>
}

export interface WorkflowKey {
  readonly ownerId: OwnerId
  readonly id: WorkflowId
}

export interface RevisedWorkflow extends WorkflowKey {
  readonly expectedRevision: number | null
}

const WHERE_KEY = 'owner_id = $1 AND id = $2 AND deleted_at IS NULL'
const WHERE_REVISED = `${WHERE_KEY} AND ($3::int IS NULL OR revision = $3)`

export function createWorkflowStore(pool: Queryable): WorkflowStore {
  return {
    async insert(ownerId, { name, description, tags, draft }, at) {
      const id = newId<WorkflowId>()
      await pool.query(
        `INSERT INTO workflows (id, owner_id, name, description, tags, draft, draft_hash, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)`,
        [id, ownerId, name, description, tags, draft.text, draft.hash, at],
      )
      return id
    },
    async copy(source, { name, at }) {
      const { rows } = await pool.query<{ id: WorkflowId }>(
        `INSERT INTO workflows (id, owner_id, name, description, tags, draft, draft_hash, created_at, updated_at)
         SELECT $3, owner_id, $4, description, tags, draft, draft_hash, $5, $5 FROM workflows WHERE ${WHERE_KEY}
         RETURNING id`,
        [source.ownerId, source.id, newId<WorkflowId>(), name, at],
      )
      return first(rows)?.id ?? null
    },
    async find({ ownerId, id }) {
      const { rows } = await pool.query<WorkflowRow>(
        `SELECT name, revision, octet_length(draft::text) AS "draftBytes", published_number AS "publishedNumber",
           published_definition_id AS "publishedDefinitionId", archived_at AS "archivedAt"
         FROM workflows WHERE ${WHERE_KEY}`,
        [ownerId, id],
      )
      return first(rows)
    },
    async compare({ ownerId, id }, { name, description, tags, draft }) {
      const { rows } = await pool.query<ComparedWorkflow>(
        `SELECT revision, octet_length(draft::text) AS "draftBytes",
           ($3::text IS NULL OR name = $3) AND ($4::text IS NULL OR description = $4)
             AND ($5::text[] IS NULL OR tags = $5)
             AND CASE WHEN $6::text IS NULL THEN true WHEN draft_hash <> $6 THEN false
               ELSE encode(sha256(convert_to(draft::text, 'UTF8')), 'hex') = $7 END AS "isStored"
         FROM workflows WHERE ${WHERE_KEY}`,
        [ownerId, id, name, description, tags, draft?.hash, draft && sha256(draft.text)],
      )
      return first(rows)
    },
    async draft({ ownerId, id, expectedRevision }) {
      const { rows } = await pool.query<{ draft: Json }>(
        `SELECT draft FROM workflows WHERE ${WHERE_REVISED}`,
        [ownerId, id, expectedRevision],
      )
      return first(rows)?.draft
    },
    async update({ ownerId, id, expectedRevision }, { name, description, tags, draft }, at) {
      const values = new StatementValues()
      for (const value of [ownerId, id, expectedRevision]) values.add(value)
      const columns = { updated_at: at, name, description, tags, draft: draft?.text, draft_hash: draft?.hash }
      const changes = Object.entries(columns).flatMap(([column, value]) =>
        value === undefined ? [] : [`${column} = ${values.add(value)}`],
      )
      const { rows } = await pool.query<{ revision: number }>(
        `UPDATE workflows SET revision = revision + 1, ${changes.join(', ')} WHERE ${WHERE_REVISED} RETURNING revision`,
        values.list,
      )
      return first(rows)?.revision ?? null
    },
    async archive({ ownerId, id, expectedRevision }, { archived, at }) {
      const { rows } = await pool.query(
        `WITH changed AS (
           UPDATE workflows SET archived_at = CASE WHEN $4 THEN $5::timestamptz END, updated_at = $5
           WHERE ${WHERE_REVISED} AND (archived_at IS NULL) = $4
         )
         SELECT FROM workflows WHERE ${WHERE_REVISED}`,
        [ownerId, id, expectedRevision, archived, at],
      )
      return rows.length === 1
    },
    async delete({ ownerId, id, expectedRevision }, at) {
      const { rows } = await pool.query(
        `UPDATE workflows SET deleted_at = $4 WHERE ${WHERE_REVISED} RETURNING id`,
        [ownerId, id, expectedRevision, at],
      )
      return rows.length === 1
    },
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
