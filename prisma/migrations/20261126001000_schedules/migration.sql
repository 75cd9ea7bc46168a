-- AlterTable
ALTER TABLE "executions" ADD COLUMN     "schedule_id" UUID,
ADD COLUMN     "scheduled_for" TIMESTAMPTZ(3);

-- CreateTable
CREATE TABLE "schedules" (
    "id" UUID NOT NULL,
    "owner_id" TEXT NOT NULL,
    "workflow_id" UUID NOT NULL,
    "version" INTEGER,
    "is_draft" BOOLEAN NOT NULL DEFAULT false,
    "name" TEXT NOT NULL,
    "cron" TEXT,
    "time_zone" TEXT NOT NULL DEFAULT 'UTC',
    "at" TIMESTAMPTZ(3),
    "input" JSON NOT NULL,
    "variables" JSON NOT NULL,
    "mode" TEXT NOT NULL DEFAULT 'production',
    "tags" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "priority" SMALLINT NOT NULL DEFAULT 0,
    "overlap" TEXT NOT NULL DEFAULT 'SKIP',
    "catch_up" TEXT NOT NULL DEFAULT 'LAST',
    "catch_up_limit" SMALLINT NOT NULL DEFAULT 10,
    "is_paused" BOOLEAN NOT NULL DEFAULT false,
    "next_at" TIMESTAMPTZ(3),
    "error" JSON,
    "revision" INTEGER NOT NULL DEFAULT 1,
    "claimed_until" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "deleted_at" TIMESTAMPTZ(3),

    CONSTRAINT "schedules_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "schedule_occurrences" (
    "owner_id" TEXT NOT NULL,
    "schedule_id" UUID NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "outcome" TEXT NOT NULL,
    "reason" TEXT,
    "message" TEXT,
    "recorded_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "schedule_occurrences_pkey" PRIMARY KEY ("owner_id","schedule_id","at")
);

-- CreateIndex
CREATE INDEX "schedules_owner_id_created_at_id_idx" ON "schedules"("owner_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "schedules_owner_id_workflow_id_created_at_id_idx" ON "schedules"("owner_id", "workflow_id", "created_at", "id");

-- AddForeignKey
ALTER TABLE "executions" ADD CONSTRAINT "executions_schedule_id_fkey" FOREIGN KEY ("schedule_id") REFERENCES "schedules"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "schedules" ADD CONSTRAINT "schedules_workflow_id_fkey" FOREIGN KEY ("workflow_id") REFERENCES "workflows"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "schedule_occurrences" ADD CONSTRAINT "schedule_occurrences_schedule_id_fkey" FOREIGN KEY ("schedule_id") REFERENCES "schedules"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- What Prisma's language cannot say: invariants, and the partial indexes of what is due and of what a schedule started.

ALTER TABLE "schedules"
  ADD CONSTRAINT "schedules_when_check" CHECK (("cron" IS NULL) <> ("at" IS NULL)),
  ADD CONSTRAINT "schedules_choice_check" CHECK (NOT ("is_draft" AND "version" IS NOT NULL)),
  ADD CONSTRAINT "schedules_priority_check" CHECK ("priority" BETWEEN -100 AND 100),
  ADD CONSTRAINT "schedules_mode_check" CHECK ("mode" IN ('production', 'demo', 'test')),
  ADD CONSTRAINT "schedules_overlap_check" CHECK ("overlap" IN ('SKIP', 'QUEUE', 'ALLOW', 'CANCEL_PREVIOUS')),
  ADD CONSTRAINT "schedules_catch_up_check" CHECK ("catch_up" IN ('NONE', 'LAST', 'ALL')),
  ADD CONSTRAINT "schedules_catch_up_limit_check" CHECK ("catch_up_limit" BETWEEN 1 AND 100),
  ADD CONSTRAINT "schedules_next_check" CHECK
    ("next_at" IS NULL OR (NOT "is_paused" AND "deleted_at" IS NULL));

ALTER TABLE "schedule_occurrences"
  ADD CONSTRAINT "schedule_occurrences_outcome_check" CHECK
    ("outcome" IN ('STARTED', 'QUEUED', 'SKIPPED', 'FAILED')),
  ADD CONSTRAINT "schedule_occurrences_reason_check" CHECK
    (("outcome" IN ('SKIPPED', 'FAILED')) = ("reason" IS NOT NULL));

ALTER TABLE "executions"
  ADD CONSTRAINT "executions_schedule_check" CHECK (("schedule_id" IS NULL) = ("scheduled_for" IS NULL));

-- Schedules in the order in which they come due.
CREATE INDEX "schedules_due_idx" ON "schedules" ("next_at") WHERE "next_at" IS NOT NULL;
-- At most one occurrence of a schedule waits for its turn.
CREATE UNIQUE INDEX "schedule_occurrences_queued_idx" ON "schedule_occurrences" ("schedule_id") WHERE "outcome" = 'QUEUED';
-- An occurrence has at most one execution (P6).
CREATE UNIQUE INDEX "executions_scheduled_idx" ON "executions" ("schedule_id", "scheduled_for")
  WHERE "schedule_id" IS NOT NULL;
-- The runs of one schedule.
CREATE INDEX "executions_schedule_idx" ON "executions" ("owner_id", "schedule_id", "created_at", "id")
  WHERE "schedule_id" IS NOT NULL;
