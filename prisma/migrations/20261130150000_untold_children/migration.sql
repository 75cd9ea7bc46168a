-- Children that have ended and whose parents do not know. The statuses are those of jobs with "finished_at" (see the CHECK of jobs).
-- A condition on "finished_at" would also fit the indexes of all ended jobs, and with old statistics the planner read one of those.
DROP INDEX "jobs_untold_idx";
CREATE INDEX "jobs_untold_idx" ON "jobs" ("id")
  WHERE "parent_id" IS NOT NULL AND "status" IN ('COMPLETED', 'FAILED', 'CANCELED') AND NOT "is_parent_told";
