import {
  bigint,
  bool,
  float,
  int,
  jsonText,
  listValues,
  parametersOfAnyLength,
  selectLists,
  text,
  uuid,
  type Columns,
} from '../sql/index.ts'
import type { NewJob } from './new-job.ts'

/** A new job, with its values as JSON text. */
export interface JobTexts {
  readonly job: NewJob
  readonly input: string
  readonly variables: string
  readonly mocks: string | null
  readonly metadata: string
  readonly patched: string | null
}

/** The number of characters of a job's values. */
export function lengthOf({ input, variables, mocks, metadata, patched }: JobTexts): number {
  return input.length + variables.length + (mocks?.length ?? 0) + metadata.length + (patched?.length ?? 0)
}

/** A prepared statement and its values. */
export interface InsertStatement {
  readonly name: string
  readonly text: string
  readonly values: unknown[]
}

/**
 * Returns the statement that stores these jobs. It names only the tables that one of them needs: Postgres sets up each table that is named,
 * which for one short start takes most of the time.
 */
export function insertStatement(insertions: readonly JobTexts[]): InsertStatement {
  const needs = NEEDS.filter((need) => insertions.some(IS_NEEDED[need]))
  const name = ['job-insert', ...needs].join(' ')
  let known = texts.get(name)
  if (known === undefined) texts.set(name, (known = insertText(new Set(needs))))
  return { name, text: known, values: [...listValues(ASKED, insertions)] }
}

const texts = new Map<string, string>()

/** What some jobs take beside their rows and those of their executions, in groups: their number bounds the number of statements. */
const NEEDS = ['parent', 'version', 'key', 'more'] as const
type Need = (typeof NEEDS)[number]

const IS_NEEDED: Readonly<Record<Need, (insertion: JobTexts) => boolean>> = {
  parent: ({ job }) => job.parent !== null,
  version: ({ job }) => job.onlyIfPublished === true,
  key: ({ job }) => job.idempotency !== null,
  /** Occurrences, tags, and values that are stored apart. */
  more: (insertion) => {
    const { job, mocks, patched } = insertion
    const isApart = !isShort(insertion) || mocks !== null || patched !== null
    return isApart || (job.occurrence ?? null) !== null || (job.tags ?? []).length > 0
  },
}

/** An input and variables with at most this many characters of JSON text together are stored in the row of their execution. */
const ROW_MAX_LENGTH = 2_048

function isShort({ input, variables }: JobTexts): boolean {
  return input.length + variables.length <= ROW_MAX_LENGTH
}

/** What is sent of each job. Times are in milliseconds since 1970, because some are compared with the time of the start. */
const ASKED: Columns<JobTexts> = {
  id: uuid(({ job }) => job.id),
  owner_id: text(({ job }) => job.ownerId),
  key: text(({ job }) => job.idempotency?.key ?? null),
  request_hash: text(({ job }) => job.idempotency?.requestHash ?? null),
  key_expires_at: float(({ job }) => job.idempotency?.expiresAt ?? null),
  type: text(({ job }) => job.type),
  status: text(({ job }) => job.status),
  handler: text(({ job }) => job.handler),
  priority: int(({ job }) => job.priority),
  total_nodes: int(({ job }) => job.totalNodes),
  created_at: float(({ job }) => job.at),
  wake_at: float(({ job }) => (job.lease ? null : job.wakeAt)),
  holder: uuid(({ job }) => job.lease?.workerId ?? null),
  lease_ms: float(({ job }) => job.lease?.leaseMs ?? null),
  definition_id: uuid(({ job }) => job.definitionId),
  workflow_id: uuid(({ job }) => job.workflowId),
  label: text(({ job }) => job.label),
  mode: text(({ job }) => job.mode),
  metadata: jsonText(({ metadata }) => metadata),
  input: jsonText(({ input }) => input),
  variables: jsonText(({ variables }) => variables),
  is_short: bool(isShort),
  parent_id: uuid(({ job }) => job.parent?.id ?? null),
  parent_path: text(({ job }) => job.parent?.path ?? null),
  depth: int(({ job }) => job.parent?.depth ?? 0),
  version_id: uuid(({ job }) => job.versionId ?? null),
  tags: jsonText(({ job }) => JSON.stringify(job.tags ?? [])),
  run_at: float(({ job }) => job.runAt ?? null),
  retry_of: uuid(({ job }) => job.retry?.of ?? null),
  retry_from: text(({ job }) => job.retry?.from ?? null),
  patched: jsonText(({ patched }) => patched),
  mocks: jsonText(({ mocks }) => mocks),
  schedule_id: uuid(({ job }) => job.occurrence?.scheduleId ?? null),
  scheduled_for: float(({ job }) => job.occurrence?.at ?? null),
  stored_bytes: bigint(lengthOf),
  only_if_published: bool(({ job }) => job.onlyIfPublished ?? false),
}

/**
 * The unique key decides which start wins, and so does the occurrence's; everything else joins their verdict. A start and
 * the record of its occurrence are one statement, so no crash can separate them. The time at which a job wants a worker is
 * sent as a length of time, because the database's clock decides and the starter's may differ.
 *
 * A child locks its parent with FOR KEY SHARE, which its foreign key does anyway. A cancel locks with FOR UPDATE, the only
 * lock that conflicts: either the cancel waits for the child and then finds it, or the child sees the cancel and is refused.
 * Ancestors further up are read without a lock: a cancel that this statement cannot see yet finds the parent, and through it
 * the child.
 *
 * The published version is read without a lock as well. A job that must run the published version runs the one that was
 * published when this statement began. OFFSET 0 makes it one look-up per job: without it Postgres may read all workflows once
 * instead.
 *
 * The first event of a job that is stored QUEUED is its row alone: readers of events make it from `created_at` (see
 * docs/decisions/log.md).
 */
function insertText(needs: ReadonlySet<Need>): string {
  const where = (need: Need, sql: string, otherwise = '') => (needs.has(need) ? sql : otherwise)
  return `
WITH RECURSIVE asked AS (
  ${selectLists(ASKED, parametersOfAnyLength())}
)${where('parent', PARENTS)}, new AS (
  SELECT asked.*, ${where('parent', 'parent.root_id', 'NULL::uuid AS root_id')}
  FROM asked ${where('parent', 'LEFT JOIN parent ON parent.id = asked.parent_id')}
  WHERE ${where('parent', IS_WANTED, 'true')} AND ${where('version', IS_PUBLISHED, 'true')}
)${where('key', KEYS)}${where('more', OCCURRENCES)}, job AS (
  INSERT INTO jobs (id, owner_id, type, status, handler, priority, total_nodes, created_at, wake_at, last_seq,
    holder, leased_until, fence, parent_id, parent_path, depth, root_id, stored_bytes)
  SELECT id, owner_id, type, status, handler, priority, total_nodes, to_timestamp(created_at / 1000),
    now() + (wake_at - created_at) * interval '1 ms', CASE status WHEN 'QUEUED' THEN 1 ELSE 0 END, holder,
    CASE WHEN holder IS NOT NULL THEN now() + lease_ms * interval '1 ms' END,
    CASE WHEN holder IS NOT NULL THEN 1 ELSE 0 END, parent_id, parent_path, depth, root_id, stored_bytes
  FROM new WHERE ${where('key', HAS_KEY, 'true')} AND ${where('more', HAS_OCCURRENCE, 'true')}
  RETURNING id
), execution AS (
  INSERT INTO executions (id, owner_id, definition_id, workflow_id, version_id, label, mode, metadata, run_at, created_at,
    retry_of, retry_from, schedule_id, scheduled_for, input, variables)
  SELECT id, owner_id, definition_id, workflow_id, version_id, label, mode, metadata, to_timestamp(run_at / 1000),
    to_timestamp(created_at / 1000), retry_of, retry_from, schedule_id, to_timestamp(scheduled_for / 1000),
    CASE WHEN is_short THEN input END, CASE WHEN is_short THEN variables END
  FROM new JOIN job USING (id)
)${where('more', TAGS_AND_VALUES)}
SELECT new.id, job.id IS NOT NULL AS "isStored" FROM new LEFT JOIN job USING (id)`
}

const PARENTS = `, parent AS MATERIALIZED (
  SELECT own.* FROM (SELECT DISTINCT parent_id AS id FROM asked WHERE parent_id IS NOT NULL ORDER BY 1) AS wanted
  CROSS JOIN LATERAL (
    SELECT p.id, p.parent_id, COALESCE(p.root_id, p.id) AS root_id FROM jobs p
    WHERE p.id = wanted.id AND p.finished_at IS NULL AND p.cancel_requested_at IS NULL FOR KEY SHARE
  ) AS own
), line AS (
  SELECT id, parent_id AS above, false AS is_stopping FROM parent
  UNION ALL
  SELECT line.id, own.parent_id, own.is_stopping FROM line CROSS JOIN LATERAL (
    SELECT a.parent_id, a.cancel_requested_at IS NOT NULL OR a.status IN ('FAILED', 'CANCELED') AS is_stopping
    FROM jobs a WHERE a.id = line.above OFFSET 0
  ) AS own
)`

const IS_WANTED = `(asked.parent_id IS NULL
      OR (parent.id IS NOT NULL AND NOT EXISTS (SELECT FROM line WHERE line.id = parent.id AND line.is_stopping)))`

const IS_PUBLISHED = `(NOT asked.only_if_published OR EXISTS (
      SELECT FROM workflows w JOIN workflow_versions v ON v.workflow_id = w.id AND v.number = w.published_number
      WHERE w.owner_id = asked.owner_id AND w.id = asked.workflow_id AND w.archived_at IS NULL AND w.deleted_at IS NULL
        AND v.id = asked.version_id AND v.definition_id = asked.definition_id OFFSET 0))`

const KEYS = `, key AS (
  INSERT INTO idempotency_keys (owner_id, key, request_hash, job_id, expires_at)
  SELECT owner_id, key, request_hash, id, to_timestamp(key_expires_at / 1000) FROM new WHERE key IS NOT NULL
  ON CONFLICT (owner_id, key) DO UPDATE SET request_hash = excluded.request_hash, job_id = excluded.job_id,
    expires_at = excluded.expires_at
  WHERE idempotency_keys.expires_at <= now()
  RETURNING job_id
)`

const HAS_KEY = '(key IS NULL OR id IN (SELECT job_id FROM key))'

const OCCURRENCES = `, occurrence AS (
  INSERT INTO schedule_occurrences (owner_id, schedule_id, at, outcome, recorded_at)
  SELECT new.owner_id, s.id, to_timestamp(scheduled_for / 1000), 'STARTED', to_timestamp(new.created_at / 1000)
  FROM new JOIN schedules s ON s.owner_id = new.owner_id AND s.id = schedule_id
  WHERE schedule_id IS NOT NULL AND NOT s.is_paused AND s.deleted_at IS NULL
  ON CONFLICT (owner_id, schedule_id, at) DO UPDATE SET outcome = 'STARTED', recorded_at = excluded.recorded_at
  WHERE schedule_occurrences.outcome = 'QUEUED'
  RETURNING schedule_id, at
)`

const HAS_OCCURRENCE = `(schedule_id IS NULL
      OR (schedule_id, to_timestamp(scheduled_for / 1000)::timestamptz(3)) IN (SELECT schedule_id, at FROM occurrence))`

const TAGS_AND_VALUES = `, tag AS (
  INSERT INTO execution_tags (owner_id, tag, execution_id)
  SELECT owner_id, t.tag, id FROM new JOIN job USING (id), json_array_elements_text(tags) AS t(tag)
), value AS (
  INSERT INTO execution_values (execution_id, owner_id, input, variables, patched, mocks)
  SELECT id, owner_id, CASE WHEN NOT is_short THEN input END, CASE WHEN NOT is_short THEN variables END,
    patched, mocks
  FROM new JOIN job USING (id) WHERE NOT is_short OR patched IS NOT NULL OR mocks IS NOT NULL
)`
