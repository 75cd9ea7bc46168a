-- AlterTable
ALTER TABLE "commands" ADD COLUMN     "key" TEXT,
ADD COLUMN     "used_at" TIMESTAMPTZ(3),
ADD COLUMN     "used_by" TEXT;

-- AlterTable
ALTER TABLE "jobs" ADD COLUMN     "cost_usd" DOUBLE PRECISION NOT NULL DEFAULT 0,
ADD COLUMN     "depth" SMALLINT NOT NULL DEFAULT 0,
ADD COLUMN     "is_parent_told" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "parent_id" UUID,
ADD COLUMN     "parent_path" TEXT;

-- AlterTable
ALTER TABLE "steps" ADD COLUMN     "wait" JSON;

-- CreateTable
CREATE TABLE "step_checkpoints" (
    "owner_id" TEXT NOT NULL,
    "execution_id" UUID NOT NULL,
    "path" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "value" JSON NOT NULL,

    CONSTRAINT "step_checkpoints_pkey" PRIMARY KEY ("owner_id","execution_id","path","key")
);

-- AddForeignKey
ALTER TABLE "jobs" ADD CONSTRAINT "jobs_parent_id_fkey" FOREIGN KEY ("parent_id") REFERENCES "jobs"("id") ON DELETE SET NULL ON UPDATE CASCADE;
ALTER TABLE "jobs"
  ADD CONSTRAINT "jobs_depth_check" CHECK ("depth" BETWEEN 0 AND 10),
  ADD CONSTRAINT "jobs_cost_check" CHECK ("cost_usd" >= 0),
  -- Only a child has a parent to tell.
  ADD CONSTRAINT "jobs_told_check" CHECK (NOT "is_parent_told" OR "finished_at" IS NOT NULL);

ALTER TABLE "steps"
  ADD CONSTRAINT "steps_wait_check" CHECK ("wait" IS NULL OR "status" = 'WAITING');

ALTER TABLE "commands"
  DROP CONSTRAINT "commands_kind_check",
  ADD CONSTRAINT "commands_kind_check" CHECK ("kind" IN ('CANCEL', 'PAUSE', 'RESUME', 'SIGNAL', 'CHILD_ENDED')),
  ADD CONSTRAINT "commands_used_check" CHECK ("used_at" IS NULL OR "kind" = 'SIGNAL');

-- The same key stands for one command of a job.
CREATE UNIQUE INDEX "commands_key_idx" ON "commands" ("job_id", "key") WHERE "key" IS NOT NULL;

CREATE INDEX "jobs_children_idx" ON "jobs" ("parent_id") WHERE "parent_id" IS NOT NULL;
-- Children that have ended and whose parents do not know.
CREATE INDEX "jobs_untold_idx" ON "jobs" ("id")
  WHERE "parent_id" IS NOT NULL AND "finished_at" IS NOT NULL AND NOT "is_parent_told";
