import {
  newId,
  type DefinitionId,
  type OwnerId,
  type WorkflowId,
  type WorkflowVersionId,
} from '../../lib/index.ts'
import type { Json } from '../../lib/json/index.ts'
import {
  countsPer,
  first,
  keysetPages,
  StatementValues,
  type KeysetPage,
  type KeysetPosition,
  type Queryable,
} from '../sql/index.ts'
import type { StoredDefinition } from './definition-store.ts'
import type { WorkflowFields } from './workflow-store.ts'

/** A workflow at the revision that somebody has looked at. */
export interface SeenWorkflow {
  readonly ownerId: OwnerId
  readonly id: WorkflowId
  readonly revision: number
}

/** What a new version holds, and what its publisher says about it. */
export interface NewVersion {
  readonly definitionId: DefinitionId
  readonly note: string
}

/** A version as people name it. */
export interface VersionKey {
  readonly workflowId: string
  readonly number: number
}

/** Which of a workflow's definitions to run: a version, the draft, or, with neither, the newest version if there is one. */
export interface DefinitionChoice {
  readonly version: number | null
  readonly draft: boolean
}

export type ChosenDefinition =
  | {
      readonly kind: 'found'
      readonly definition: Json
      /** Null when it is the draft. */
      readonly versionId: WorkflowVersionId | null
      /** The row of the version's definition; null when it is the draft. */
      readonly stored: StoredDefinition | null
    }
  | { readonly kind: 'notFound' }
  | { readonly kind: 'noSuchVersion' }
  | { readonly kind: 'archived' }

/** A definition that is too large to be read at once: its size as bytes of JSON text. */
export interface LargeDefinition {
  readonly kind: 'large'
  readonly bytes: number
}

/**
 * The versions of workflows. Their numbers are given by the database, under the lock of the workflow's row, so that they
 * have no gap and no double however many publish at once.
 */
export interface VersionStore {
  /**
   * Publishes a definition as the next version and gives its number. Null, and nothing is changed, when the workflow is gone,
   * archived, at another revision, or has this very definition as its newest version.
   */
  publish(target: SeenWorkflow, version: NewVersion, at: Date): Promise<number | null>
  /** Stores a new workflow whose first version is published from the start. */
  insertPublished(
    ownerId: OwnerId,
    fields: WorkflowFields,
    version: NewVersion,
    at: Date,
  ): Promise<WorkflowId>
  /**
   * Makes an old version's definition the draft, and the next version, too, unless the newest one holds it already. Null
   * when the workflow is gone, archived or at another revision, or has no version of that number.
   */
  restore(
    target: SeenWorkflow,
    version: { readonly number: number; readonly note: string },
    at: Date,
  ): Promise<Restored | null>
  /** What a version holds; null when there is none of that number. */
  definition(
    workflow: { readonly ownerId: OwnerId; readonly id: WorkflowId },
    number: number,
  ): Promise<Json | null>
  /** What an execution of the workflow is to run. */
  choose(
    workflow: { readonly ownerId: OwnerId; readonly id: WorkflowId },
    choice: DefinitionChoice,
  ): Promise<ChosenDefinition>
  /** The same where the definition has at most `maxBytes` bytes of JSON text; else only its size is read. */
  chooseSmall(
    workflow: { readonly ownerId: OwnerId; readonly id: WorkflowId },
    choice: DefinitionChoice,
    maxBytes: number,
  ): Promise<ChosenDefinition | LargeDefinition>
  /** The ids of the definitions that each of these versions holds; null where there is none of that number. */
  definitionIds(ownerId: OwnerId, versions: readonly VersionKey[]): Promise<readonly (DefinitionId | null)[]>
  /** The ids of each of these versions; null where there is none of that number. */
  ids(ownerId: OwnerId, versions: readonly VersionKey[]): Promise<readonly (WorkflowVersionId | null)[]>
  /** How many versions each of these workflows has. */
  countsOf(ownerId: OwnerId, workflowIds: readonly string[]): Promise<readonly number[]>
  /** The same page of the versions of each of these workflows, by number. */
  pagesOf(
    ownerId: OwnerId,
    workflowIds: readonly string[],
    page: KeysetPage,
  ): Promise<readonly (readonly KeysetPosition[])[]>
}

export interface Restored {
  /** The workflow's newest version now. */
  readonly number: number
  /** False when the newest version held the definition already. */
  readonly isNew: boolean
}

const EDITABLE = 'deleted_at IS NULL AND archived_at IS NULL'

export function createVersionStore(pool: Queryable): VersionStore {
  return {
    async publish({ ownerId, id, revision }, { definitionId, note }, at) {
      const { rows } = await pool.query<{ number: number }>(
        `WITH published AS (
           UPDATE workflows SET published_number = COALESCE(published_number, 0) + 1, published_definition_id = $4,
             updated_at = $6
           WHERE owner_id = $1 AND id = $2 AND revision = $3 AND ${EDITABLE}
             AND published_definition_id IS DISTINCT FROM $4
           RETURNING owner_id, id, published_number
         )
         INSERT INTO workflow_versions (id, owner_id, workflow_id, number, definition_id, note, created_at)
         SELECT $7, owner_id, id, published_number, $4, $5, $6 FROM published RETURNING number`,
        [ownerId, id, revision, definitionId, note, at, newId()],
      )
      return first(rows)?.number ?? null
    },
    async insertPublished(ownerId, fields, { definitionId, note }, at) {
      const { name, description, tags, draft } = fields
      const id = newId<WorkflowId>()
      await pool.query(
        `WITH made AS (
           INSERT INTO workflows (id, owner_id, name, description, tags, draft, published_number,
             published_definition_id, created_at, updated_at, draft_hash)
           VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $8, $8, $11)
         )
         INSERT INTO workflow_versions (id, owner_id, workflow_id, number, definition_id, note, created_at)
         VALUES ($9, $2, $1, 1, $7, $10, $8)`,
        [id, ownerId, name, description, tags, draft.text, definitionId, at, newId(), note, draft.hash],
      )
      return id
    },
    async restore({ ownerId, id, revision }, { number, note }, at) {
      const { rows } = await pool.query<Restored>(
        `WITH source AS (
           SELECT d.id, d.hash, d.body FROM workflow_versions v JOIN definitions d ON d.id = v.definition_id
           WHERE v.owner_id = $1 AND v.workflow_id = $2 AND v.number = $4
         ), restored AS (
           UPDATE workflows SET draft = source.body, draft_hash = source.hash, revision = revision + 1, updated_at = $6,
             published_number =
               published_number + CASE WHEN published_definition_id = source.id THEN 0 ELSE 1 END,
             published_definition_id = source.id
           FROM source
           WHERE workflows.owner_id = $1 AND workflows.id = $2 AND revision = $3 AND ${EDITABLE}
           RETURNING published_number AS number
         ), made AS (
           INSERT INTO workflow_versions (id, owner_id, workflow_id, number, definition_id, note, created_at)
           SELECT $7, $1, $2, restored.number, source.id, $5, $6 FROM restored, source
           ON CONFLICT (workflow_id, number) DO NOTHING
           RETURNING number
         )
         SELECT number, EXISTS (SELECT FROM made) AS "isNew" FROM restored`,
        [ownerId, id, revision, number, note, at, newId()],
      )
      return first(rows)
    },
    async definition({ ownerId, id }, number) {
      const { rows } = await pool.query<{ body: Json }>(
        `SELECT d.body FROM workflow_versions v JOIN definitions d ON d.id = v.definition_id
         WHERE v.owner_id = $1 AND v.workflow_id = $2 AND v.number = $3`,
        [ownerId, id, number],
      )
      return first(rows)?.body ?? null
    },
    async choose(workflow, choice) {
      const chosen = await read(workflow, choice, null)
      if (chosen.kind === 'large') throw new Error('a definition of any size was to be read')
      return chosen
    },
    chooseSmall: (workflow, choice, maxBytes) => read(workflow, choice, maxBytes),
    definitionIds(ownerId, versions) {
      return readEach<DefinitionId>(
        `SELECT v.workflow_id AS "workflowId", v.number, v.definition_id AS value FROM workflow_versions v`,
        { ownerId, versions },
      )
    },
    ids(ownerId, versions) {
      return readEach<WorkflowVersionId>(
        `SELECT v.workflow_id AS "workflowId", v.number, v.id AS value FROM workflow_versions v`,
        { ownerId, versions },
      )
    },
    countsOf(ownerId, workflowIds) {
      return countsPer(pool, workflowIds, {
        text: `SELECT workflow_id AS parent, count(*)::int AS count FROM workflow_versions
               WHERE owner_id = $1 AND workflow_id = ANY($2::uuid[]) GROUP BY workflow_id`,
        values: [ownerId, workflowIds],
      })
    },
    pagesOf(ownerId, workflowIds, page) {
      const values = new StatementValues()
      const conditions = [`v.owner_id = ${values.add(ownerId)}`, 'v.workflow_id = parent.id']
      return keysetPages(pool, workflowIds, {
        rows: { from: 'workflow_versions v', id: 'v.id', conditions },
        order: { expression: 'v.number', type: 'int' },
        page,
        values,
      })
    },
  }

  /** `maxBytes` null: a definition of any size is read. */
  async function read(
    { ownerId, id }: { readonly ownerId: OwnerId; readonly id: WorkflowId },
    { version, draft }: DefinitionChoice,
    maxBytes: number | null,
  ): Promise<ChosenDefinition | LargeDefinition> {
    const { rows } = await pool.query<{
      isArchived: boolean
      versionId: WorkflowVersionId | null
      bytes: number
      isLarge: boolean
      definition: Json
      definitionId: DefinitionId | null
      hash: string | null
    }>(
      `SELECT w.archived_at IS NOT NULL AS "isArchived", v.id AS "versionId", d.id AS "definitionId", d.hash,
         size.bytes, size.bytes > $5 AS "isLarge",
         CASE WHEN size.bytes > $5 THEN NULL WHEN v.id IS NULL THEN w.draft ELSE d.body END AS definition
       FROM workflows w
       LEFT JOIN workflow_versions v
         ON NOT $4 AND v.workflow_id = w.id AND v.number = COALESCE($3::int, w.published_number)
       LEFT JOIN definitions d ON d.id = v.definition_id
       CROSS JOIN LATERAL (
         SELECT CASE WHEN $5::int IS NULL THEN 0 WHEN v.id IS NULL THEN octet_length(w.draft::text)
           ELSE octet_length(d.body::text) END AS bytes OFFSET 0
       ) AS size
       WHERE w.owner_id = $1 AND w.id = $2 AND w.deleted_at IS NULL`,
      [ownerId, id, version, draft, maxBytes],
    )
    const row = first(rows)
    if (!row) return { kind: 'notFound' }
    if (row.isArchived) return { kind: 'archived' }
    if (version !== null && row.versionId === null) return { kind: 'noSuchVersion' }
    const { definition, versionId, definitionId, hash, bytes, isLarge } = row
    if (isLarge) return { kind: 'large', bytes }
    const stored = definitionId && hash ? { id: definitionId, hash } : null
    return { kind: 'found', definition, versionId, stored }
  }

  async function readEach<Value>(
    select: string,
    { ownerId, versions }: { ownerId: OwnerId; versions: readonly VersionKey[] },
  ): Promise<readonly (Value | null)[]> {
    const { rows } = await pool.query<VersionKey & { value: Value }>(
      `${select} WHERE v.owner_id = $1 AND (v.workflow_id, v.number) IN (SELECT * FROM unnest($2::uuid[], $3::int[]))`,
      [ownerId, versions.map(({ workflowId }) => workflowId), versions.map(({ number }) => number)],
    )
    const keyOf = ({ workflowId, number }: VersionKey) => `${workflowId} ${number}`
    const values = new Map(rows.map((row) => [keyOf(row), row.value]))
    return versions.map((version) => values.get(keyOf(version)) ?? null)
  }
}
