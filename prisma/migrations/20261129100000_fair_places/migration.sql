-- Jobs that wait for a worker, per owner and in the order in which the owner's jobs are claimed. Both columns of the loose
-- scan over (owner, priority) descend, so that one row comparison finds the next pair. A job that lost its worker twice is
-- not in it: it is claimed alone, by the index below.
DROP INDEX "jobs_wanting_idx";
CREATE INDEX "jobs_wanting_idx" ON "jobs" ("owner_id" DESC, "priority" DESC, "wake_at", "id")
  WHERE "holder" IS NULL AND "wake_at" IS NOT NULL AND "recoveries" < 2;
CREATE INDEX "jobs_suspect_idx" ON "jobs" ("owner_id", "id")
  WHERE "holder" IS NULL AND "wake_at" IS NOT NULL AND "recoveries" >= 2;
-- The instants at which waiting jobs come due.
CREATE INDEX "jobs_due_idx" ON "jobs" ("wake_at", "id") WHERE "holder" IS NULL AND "wake_at" IS NOT NULL;
-- Jobs that a worker holds, per owner.
DROP INDEX "jobs_held_idx";
CREATE INDEX "jobs_held_idx" ON "jobs" ("owner_id", "id") WHERE "holder" IS NOT NULL;
