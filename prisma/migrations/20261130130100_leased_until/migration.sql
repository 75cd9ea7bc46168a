-- A process of an earlier build keeps its records in tables that this build converts (see docs/decisions/log.md). It names the column
-- `lease_until` in the statements by which it claims, renews and stores jobs: under the new name they fail, so an idle process of an
-- earlier build claims nothing more. One that holds a job refuses the migration. Where no other process can use the database
-- (`lume.is_alone`), leases are those of dead workers.
LOCK TABLE "jobs" IN ACCESS EXCLUSIVE MODE;
DO $$
DECLARE
  held record;
BEGIN
  IF current_setting('lume.is_alone', true) = 'true' THEN RETURN; END IF;
  SELECT holder, to_char(lease_until AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS until INTO held
  FROM jobs WHERE holder IS NOT NULL AND lease_until > now() ORDER BY lease_until DESC LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'LU001', MESSAGE = format(
      'worker %s of an earlier build holds a job until %s, and this build stores jobs in another way: stop all processes of the '
      'earlier build, then start this one again; if they were killed, start it after that instant', held.holder, held.until);
  END IF;
END $$;

-- AlterTable
ALTER TABLE "jobs" RENAME COLUMN "lease_until" TO "leased_until";

-- The functions of claims as before, with the new name.

-- The cost of a survey does not grow with a backlog, nor with the number of jobs that wait for a later time. When fewer than 100
-- jobs are due, `first` holds all of them. Otherwise `after` and `before` step through the index of waiting jobs once around, from
-- one (owner, priority) to the next, beginning behind `after_owner`, and stop as soon as 256 entries are found. The jobs that workers
-- hold are few: at most as many as there are places.
CREATE OR REPLACE FUNCTION "lume_survey"(max_count int, after_owner text, except_owners text[])
RETURNS TABLE (owner_id text, priority int, count int, suspect_id uuid) LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET enable_incremental_sort = off SET jit = off
AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  WITH RECURSIVE step AS (
    (SELECT owner_id, priority, wake_at, id FROM jobs WHERE holder IS NULL AND wake_at IS NOT NULL AND recoveries < 2 AND wake_at <= now()
     ORDER BY wake_at, id LIMIT 1)
    UNION ALL
    SELECT next.* FROM step CROSS JOIN LATERAL (
      SELECT owner_id, priority, wake_at, id FROM jobs
      WHERE holder IS NULL AND wake_at IS NOT NULL AND recoveries < 2 AND wake_at <= now() AND (wake_at, id) > (step.wake_at, step.id)
      ORDER BY wake_at, id LIMIT 1
    ) next
  ), first AS MATERIALIZED (
    SELECT owner_id, priority FROM step LIMIT 100
  ), few AS MATERIALIZED (
    SELECT count(*) < 100 AS are_all FROM first
  ), after AS (
    (SELECT owner_id, priority FROM jobs WHERE holder IS NULL AND wake_at IS NOT NULL AND recoveries < 2 AND owner_id < after_owner AND (SELECT NOT are_all FROM few)
     ORDER BY owner_id DESC, priority DESC LIMIT 1)
    UNION ALL
    SELECT next.owner_id, next.priority FROM after CROSS JOIN LATERAL (
      SELECT owner_id, priority FROM jobs
      WHERE holder IS NULL AND wake_at IS NOT NULL AND recoveries < 2 AND (owner_id, priority) < (after.owner_id, after.priority) AND owner_id < after_owner
      ORDER BY owner_id DESC, priority DESC LIMIT 1
    ) next
  ), before AS (
    (SELECT owner_id, priority FROM jobs WHERE holder IS NULL AND wake_at IS NOT NULL AND recoveries < 2 AND owner_id >= after_owner AND (SELECT NOT are_all FROM few)
     ORDER BY owner_id DESC, priority DESC LIMIT 1)
    UNION ALL
    SELECT next.owner_id, next.priority FROM before CROSS JOIN LATERAL (
      SELECT owner_id, priority FROM jobs
      WHERE holder IS NULL AND wake_at IS NOT NULL AND recoveries < 2 AND (owner_id, priority) < (before.owner_id, before.priority) AND owner_id >= after_owner
      ORDER BY owner_id DESC, priority DESC LIMIT 1
    ) next
  ), due AS (
    SELECT owner_id, priority, LEAST(count(*), max_count)::int AS count FROM first, few WHERE are_all GROUP BY owner_id, priority
    UNION ALL
    (SELECT pair.owner_id, pair.priority, found.count
     FROM (SELECT * FROM after UNION ALL SELECT * FROM before) pair CROSS JOIN LATERAL (
       SELECT count(*)::int FROM (
         SELECT FROM jobs
         WHERE holder IS NULL AND wake_at IS NOT NULL AND recoveries < 2 AND owner_id = pair.owner_id AND priority = pair.priority AND wake_at <= now()
         ORDER BY wake_at, id LIMIT max_count
       ) one
     ) found
     WHERE found.count > 0 AND pair.owner_id <> ALL(except_owners) LIMIT 256)
  ), lost AS (
    (SELECT owner_id, id, recoveries, handler = 'engine' AND recoveries >= 1 AS is_suspect FROM jobs WHERE holder IS NOT NULL AND leased_until < now()
     ORDER BY owner_id, id LIMIT 1)
    UNION ALL
    SELECT next.* FROM lost CROSS JOIN LATERAL (
      SELECT owner_id, id, recoveries, handler = 'engine' AND recoveries >= 1 FROM jobs
      WHERE holder IS NOT NULL AND leased_until < now() AND (owner_id, id) > (lost.owner_id, lost.id) ORDER BY owner_id, id LIMIT 1
    ) next
  ), suspect AS (
    SELECT owner_id, id, recoveries + 1 AS losses FROM lost WHERE is_suspect
    UNION ALL
    SELECT owner_id, id, recoveries FROM jobs WHERE holder IS NULL AND wake_at IS NOT NULL AND recoveries >= 2 AND wake_at <= now()
  ), entry AS (
    SELECT owner_id, priority::int, count, NULL::uuid AS suspect_id FROM due
    UNION ALL
    SELECT owner_id, NULL, LEAST(count(*), max_count)::int, NULL FROM lost WHERE NOT is_suspect GROUP BY owner_id
    UNION ALL
    (SELECT DISTINCT ON (owner_id) owner_id, NULL::int, 1, id FROM suspect ORDER BY owner_id, losses, id)
  )
  SELECT entry.owner_id, entry.priority, entry.count, entry.suspect_id FROM entry;
END $$;

-- Locks up to `counts` jobs of each (owner, priority), those that have waited longest first; a priority that is null stands for jobs
-- that lost their worker. Jobs that another session has locked are passed over.
CREATE OR REPLACE FUNCTION "lume_lock_claimable"(owners text[], priorities smallint[], counts int[])
RETURNS SETOF uuid LANGUAGE plpgsql VOLATILE
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET enable_incremental_sort = off SET jit = off
AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  WITH share AS MATERIALIZED (
    SELECT * FROM unnest(owners, priorities, counts) AS s(owner_id, priority, count)
  ), lost AS MATERIALIZED (
    SELECT job.id FROM share CROSS JOIN LATERAL (
      SELECT id FROM jobs
      WHERE holder IS NOT NULL AND leased_until < now() AND NOT (handler = 'engine' AND recoveries >= 1) AND owner_id = share.owner_id
      ORDER BY id LIMIT share.count FOR UPDATE SKIP LOCKED
    ) job
    WHERE share.priority IS NULL
  ), waiting AS MATERIALIZED (
    SELECT job.id FROM share CROSS JOIN LATERAL (
      SELECT id FROM jobs
      WHERE holder IS NULL AND wake_at IS NOT NULL AND recoveries < 2 AND owner_id = share.owner_id AND priority = share.priority AND wake_at <= now()
      ORDER BY wake_at, id LIMIT share.count FOR UPDATE SKIP LOCKED
    ) job
    WHERE share.priority IS NOT NULL
  )
  SELECT id FROM lost UNION ALL SELECT id FROM waiting;
END $$;
