-- AlterTable
ALTER TABLE "definitions" ADD COLUMN     "is_counted" BOOLEAN NOT NULL DEFAULT false;

-- AlterTable
ALTER TABLE "jobs" ADD COLUMN     "root_id" UUID,
ADD COLUMN     "stored_bytes" BIGINT NOT NULL DEFAULT 0;

-- CreateTable
CREATE TABLE "owner_usage" (
    "owner_id" TEXT NOT NULL,
    "stored_bytes" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "owner_usage_pkey" PRIMARY KEY ("owner_id")
);

-- Descendants that were stored before this column existed.
WITH RECURSIVE tree AS (
  SELECT c.id, c.parent_id AS root_id FROM jobs c JOIN jobs root ON root.id = c.parent_id WHERE root.parent_id IS NULL
  UNION ALL
  SELECT c.id, tree.root_id FROM tree JOIN jobs c ON c.parent_id = tree.id
)
UPDATE jobs SET root_id = tree.root_id FROM tree WHERE jobs.id = tree.id;

ALTER TABLE "jobs"
  -- A root has no root above it.
  ADD CONSTRAINT "jobs_root_check" CHECK ("root_id" <> "id");

-- All descendants of a root: counted against the limit.
CREATE INDEX "jobs_root_idx" ON "jobs" ("root_id") WHERE "root_id" IS NOT NULL;
-- The descendants that a cancel of the root has to reach.
CREATE INDEX "jobs_cancelable_idx" ON "jobs" ("root_id", "id")
  WHERE "root_id" IS NOT NULL AND "finished_at" IS NULL AND "cancel_requested_at" IS NULL;
-- Canceled descendants that no worker holds: they are ended in batches.
CREATE INDEX "jobs_canceled_idx" ON "jobs" ("id")
  WHERE "root_id" IS NOT NULL AND "cancel_requested_at" IS NOT NULL AND "finished_at" IS NULL AND "holder" IS NULL;

-- Definitions whose bytes are not in `owner_usage` yet.
CREATE INDEX "definitions_uncounted_idx" ON "definitions" ("owner_id", "id") WHERE NOT "is_counted";

-- Bytes of deleted jobs leave the roll-up, whoever deletes them.
CREATE FUNCTION "lume_forget_job_bytes"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE owner_usage u SET stored_bytes = GREATEST(0, u.stored_bytes - gone.bytes)
  FROM (SELECT owner_id, sum(stored_bytes)::bigint AS bytes FROM deleted WHERE is_counted GROUP BY owner_id) AS gone
  WHERE u.owner_id = gone.owner_id;
  RETURN NULL;
END $$;

CREATE TRIGGER "jobs_forget_bytes" AFTER DELETE ON "jobs" REFERENCING OLD TABLE AS deleted
  FOR EACH STATEMENT EXECUTE FUNCTION "lume_forget_job_bytes"();
