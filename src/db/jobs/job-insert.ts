import { inGroups } from '../../lib/async/index.ts'
import type { JobId } from '../../lib/index.ts'
import {
  bigint,
  bool,
  float,
  int,
  jsonText,
  listValues,
  parameters,
  selectLists,
  text,
  uuid,
  type Columns,
  type Queryable,
} from '../sql/index.ts'
import type { NewJob } from './new-job.ts'

interface JobTexts {
  readonly job: NewJob
  readonly input: string
  readonly variables: string
  readonly mocks: string | null
  readonly metadata: string
  readonly patched: string | null
}

const GROUP_MAX_LENGTH = 8 * 1024 * 1024

/** An input and variables with at most this many characters of JSON text together are stored in the row of their execution. */
const ROW_MAX_LENGTH = 2_048

/**
 * What became of a job. `refused`: its parent has ended, an ancestor is being canceled, or it must run the published version
 * and does not (`onlyIfPublished`). `taken`: nothing of that applies, but its idempotency key belongs to another job (D9), or
 * its occurrence must not start (P6). Nothing of a job that is refused or taken is stored.
 */
export type Insertion = 'stored' | 'refused' | 'taken'

/** Stores new jobs; all jobs that arrive while one statement is in flight share the next one. */
export function createJobInsert(pool: Queryable): (job: NewJob) => Promise<Insertion> {
  const insert = inGroups(
    async (insertions: readonly JobTexts[]): Promise<readonly Insertion[]> => {
      const { rows } = await pool.query<{ id: JobId; isStored: boolean }>({
        name: 'job-insert',
        text: INSERT,
        values: [...listValues(ASKED, insertions)],
      })
      const verdicts = new Map(rows.map(({ id, isStored }) => [id, isStored ? 'stored' : 'taken'] as const))
      return insertions.map(({ job }) => verdicts.get(job.id) ?? 'refused')
    },
    {
      maxSize: GROUP_MAX_LENGTH,
      sizeOf: lengthOf,
      keyOf: ({ job: { ownerId, idempotency, occurrence } }) =>
        occurrence
          ? `occurrence ${occurrence.scheduleId} ${occurrence.at}`
          : idempotency && `key ${ownerId} ${idempotency.key}`,
    },
  )
  return (job) =>
    insert({
      job,
      input: JSON.stringify(job.input),
      variables: JSON.stringify(job.variables),
      mocks: job.mocks && JSON.stringify(job.mocks),
      metadata: JSON.stringify(job.metadata),
      patched: job.retry ? JSON.stringify(job.retry.patched) : null,
    })
}

function lengthOf({ input, variables, mocks, metadata, patched }: JobTexts): number {
  return input.length + variables.length + (mocks?.length ?? 0) + metadata.length + (patched?.length ?? 0)
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
  is_short: bool(({ input, variables }) => input.length + variables.length <= ROW_MAX_LENGTH),
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
const INSERT = `
WITH RECURSIVE asked AS (
  ${selectLists(ASKED, parameters())}
), parent AS MATERIALIZED (
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
), new AS (
  SELECT asked.*, parent.root_id FROM asked LEFT JOIN parent ON parent.id = asked.parent_id
  WHERE (asked.parent_id IS NULL
      OR (parent.id IS NOT NULL AND NOT EXISTS (SELECT FROM line WHERE line.id = parent.id AND line.is_stopping)))
    AND (NOT asked.only_if_published OR EXISTS (
      SELECT FROM workflows w JOIN workflow_versions v ON v.workflow_id = w.id AND v.number = w.published_number
      WHERE w.owner_id = asked.owner_id AND w.id = asked.workflow_id AND w.archived_at IS NULL AND w.deleted_at IS NULL
        AND v.id = asked.version_id AND v.definition_id = asked.definition_id OFFSET 0))
), key AS (
  INSERT INTO idempotency_keys (owner_id, key, request_hash, job_id, expires_at)
  SELECT owner_id, key, request_hash, id, to_timestamp(key_expires_at / 1000) FROM new WHERE key IS NOT NULL
  ON CONFLICT (owner_id, key) DO UPDATE SET request_hash = excluded.request_hash, job_id = excluded.job_id,
    expires_at = excluded.expires_at
  WHERE idempotency_keys.expires_at <= now()
  RETURNING job_id
), occurrence AS (
  INSERT INTO schedule_occurrences (owner_id, schedule_id, at, outcome, recorded_at)
  SELECT new.owner_id, s.id, to_timestamp(scheduled_for / 1000), 'STARTED', to_timestamp(new.created_at / 1000)
  FROM new JOIN schedules s ON s.owner_id = new.owner_id AND s.id = schedule_id
  WHERE schedule_id IS NOT NULL AND NOT s.is_paused AND s.deleted_at IS NULL
  ON CONFLICT (owner_id, schedule_id, at) DO UPDATE SET outcome = 'STARTED', recorded_at = excluded.recorded_at
  WHERE schedule_occurrences.outcome = 'QUEUED'
  RETURNING schedule_id, at
), job AS (
  INSERT INTO jobs (id, owner_id, type, status, handler, priority, total_nodes, created_at, wake_at, last_seq,
    holder, leased_until, fence, parent_id, parent_path, depth, root_id, stored_bytes)
  SELECT id, owner_id, type, status, handler, priority, total_nodes, to_timestamp(created_at / 1000),
    now() + (wake_at - created_at) * interval '1 ms', CASE status WHEN 'QUEUED' THEN 1 ELSE 0 END, holder,
    CASE WHEN holder IS NOT NULL THEN now() + lease_ms * interval '1 ms' END,
    CASE WHEN holder IS NOT NULL THEN 1 ELSE 0 END, parent_id, parent_path, depth, root_id, stored_bytes
  FROM new WHERE (key IS NULL OR id IN (SELECT job_id FROM key))
    AND (schedule_id IS NULL
      OR (schedule_id, to_timestamp(scheduled_for / 1000)::timestamptz(3)) IN (SELECT schedule_id, at FROM occurrence))
  RETURNING id
), execution AS (
  INSERT INTO executions (id, owner_id, definition_id, workflow_id, version_id, label, mode, metadata, run_at, created_at,
    retry_of, retry_from, schedule_id, scheduled_for, input, variables)
  SELECT id, owner_id, definition_id, workflow_id, version_id, label, mode, metadata, to_timestamp(run_at / 1000),
    to_timestamp(created_at / 1000), retry_of, retry_from, schedule_id, to_timestamp(scheduled_for / 1000),
    CASE WHEN is_short THEN input END, CASE WHEN is_short THEN variables END
  FROM new JOIN job USING (id)
), tag AS (
  INSERT INTO execution_tags (owner_id, tag, execution_id)
  SELECT owner_id, t.tag, id FROM new JOIN job USING (id), json_array_elements_text(tags) AS t(tag)
), value AS (
  INSERT INTO execution_values (execution_id, owner_id, input, variables, patched, mocks)
  SELECT id, owner_id, CASE WHEN NOT is_short THEN input END, CASE WHEN NOT is_short THEN variables END,
    patched, mocks
  FROM new JOIN job USING (id) WHERE NOT is_short OR patched IS NOT NULL OR mocks IS NOT NULL
)
SELECT new.id, job.id IS NOT NULL AS "isStored" FROM new LEFT JOIN job USING (id)`
