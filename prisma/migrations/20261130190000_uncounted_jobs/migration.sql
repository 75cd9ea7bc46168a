-- CreateTable
CREATE TABLE "uncounted_jobs" (
    "owner_id" TEXT NOT NULL,
    "job_id" UUID NOT NULL,

    CONSTRAINT "uncounted_jobs_pkey" PRIMARY KEY ("owner_id","job_id")
);

-- A mark in the job's row took one more version of the row, and of its entry in each index.
INSERT INTO "uncounted_jobs" SELECT "owner_id", "id" FROM "jobs" WHERE "finished_at" IS NOT NULL AND NOT "is_counted";
DROP INDEX "jobs_uncounted_idx";

-- AlterTable
ALTER TABLE "jobs" DROP COLUMN "is_counted";

-- The bytes of deleted jobs leave the roll-up. The first statement waits for a session that counts one of the jobs. The second reads
-- what that session has committed.
CREATE OR REPLACE FUNCTION "lume_forget_job_bytes"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  uncounted uuid[];
BEGIN
  WITH gone AS (
    DELETE FROM uncounted_jobs u USING deleted d WHERE u.owner_id = d.owner_id AND u.job_id = d.id RETURNING u.job_id
  )
  SELECT array_agg(job_id) INTO uncounted FROM gone;
  UPDATE owner_usage u SET stored_bytes = GREATEST(0, u.stored_bytes - gone.bytes)
  FROM (
    SELECT d.owner_id, sum(d.stored_bytes)::bigint AS bytes FROM deleted d
    WHERE d.finished_at IS NOT NULL AND NOT EXISTS (SELECT FROM unnest(uncounted) AS u(id) WHERE u.id = d.id)
    GROUP BY d.owner_id
  ) AS gone
  WHERE u.owner_id = gone.owner_id;
  RETURN NULL;
END $$;

-- Inserts fill pages. Inserts and updates fill a page together, and earlier versions of its rows are removed only once the page has less
-- room than it keeps free, when no insert looks at it any more. Measured: half of the pages, and nearly as many updates off the indexes.
ALTER TABLE "jobs" RESET ("fillfactor");
