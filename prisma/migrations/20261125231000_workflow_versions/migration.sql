-- DropIndex
DROP INDEX "executions_owner_id_id_idx";

-- DropIndex
DROP INDEX "executions_owner_id_workflow_id_id_idx";

-- DropIndex
DROP INDEX "jobs_owner_id_id_idx";

-- DropIndex
DROP INDEX "workflows_owner_id_id_idx";

-- AlterTable
ALTER TABLE "executions" ADD COLUMN     "run_at" TIMESTAMPTZ(3),
ADD COLUMN     "version_id" UUID;

-- AlterTable
ALTER TABLE "jobs" ADD COLUMN     "is_counted" BOOLEAN NOT NULL DEFAULT false;

-- AlterTable
ALTER TABLE "workflows" ADD COLUMN     "archived_at" TIMESTAMPTZ(3),
ADD COLUMN     "published_definition_id" UUID,
ADD COLUMN     "published_number" INTEGER;

-- CreateTable
CREATE TABLE "workflow_versions" (
    "id" UUID NOT NULL,
    "owner_id" TEXT NOT NULL,
    "workflow_id" UUID NOT NULL,
    "number" INTEGER NOT NULL,
    "definition_id" UUID NOT NULL,
    "note" TEXT NOT NULL DEFAULT '',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "workflow_versions_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "execution_tags" (
    "owner_id" TEXT NOT NULL,
    "tag" TEXT NOT NULL,
    "execution_id" UUID NOT NULL,

    CONSTRAINT "execution_tags_pkey" PRIMARY KEY ("owner_id","tag","execution_id")
);

-- CreateTable
CREATE TABLE "job_counts" (
    "owner_id" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "day" DATE NOT NULL,
    "status" TEXT NOT NULL,
    "bucket" SMALLINT NOT NULL,
    "count" INTEGER NOT NULL,

    CONSTRAINT "job_counts_pkey" PRIMARY KEY ("owner_id","subject","day","status","bucket")
);

-- CreateIndex
CREATE UNIQUE INDEX "workflow_versions_workflow_id_number_key" ON "workflow_versions"("workflow_id", "number");

-- CreateIndex
CREATE INDEX "execution_tags_execution_id_idx" ON "execution_tags"("execution_id");

-- CreateIndex
CREATE INDEX "executions_owner_id_workflow_id_created_at_id_idx" ON "executions"("owner_id", "workflow_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "jobs_owner_id_created_at_id_idx" ON "jobs"("owner_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "workflows_owner_id_created_at_id_idx" ON "workflows"("owner_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "workflows_owner_id_updated_at_id_idx" ON "workflows"("owner_id", "updated_at", "id");

-- AddForeignKey
ALTER TABLE "workflows" ADD CONSTRAINT "workflows_id_published_number_fkey" FOREIGN KEY ("id", "published_number") REFERENCES "workflow_versions"("workflow_id", "number") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "workflow_versions" ADD CONSTRAINT "workflow_versions_workflow_id_fkey" FOREIGN KEY ("workflow_id") REFERENCES "workflows"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "workflow_versions" ADD CONSTRAINT "workflow_versions_definition_id_fkey" FOREIGN KEY ("definition_id") REFERENCES "definitions"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "executions" ADD CONSTRAINT "executions_version_id_fkey" FOREIGN KEY ("version_id") REFERENCES "workflow_versions"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "execution_tags" ADD CONSTRAINT "execution_tags_execution_id_fkey" FOREIGN KEY ("execution_id") REFERENCES "executions"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- What Prisma's language cannot say: limits, and the expression and partial indexes of lists and statistics.

ALTER TABLE "workflows"
  ADD CONSTRAINT "workflows_published_check" CHECK (("published_number" IS NULL) = ("published_definition_id" IS NULL));

ALTER TABLE "workflow_versions"
  ADD CONSTRAINT "workflow_versions_number_check" CHECK ("number" >= 1);

ALTER TABLE "jobs"
  ADD CONSTRAINT "jobs_priority_check" CHECK ("priority" BETWEEN -100 AND 100);

ALTER TABLE "job_counts"
  ADD CONSTRAINT "job_counts_status_check" CHECK ("status" IN ('COMPLETED', 'FAILED', 'CANCELED')),
  ADD CONSTRAINT "job_counts_bucket_check" CHECK ("bucket" >= -1),
  ADD CONSTRAINT "job_counts_count_check" CHECK ("count" >= 1);

-- Workflows by name, capitals or not.
CREATE INDEX "workflows_name_idx" ON "workflows" ("owner_id", lower("name"), "id");
-- Jobs that have not ended: the few that change.
CREATE INDEX "jobs_open_idx" ON "jobs" ("owner_id", "created_at", "id") WHERE "finished_at" IS NULL;
-- Jobs that ended one way, such as those that failed.
CREATE INDEX "jobs_ended_idx" ON "jobs" ("owner_id", "status", "created_at", "id") WHERE "finished_at" IS NOT NULL;
-- Jobs by their end.
CREATE INDEX "jobs_finished_idx" ON "jobs" ("owner_id", "finished_at", "id") WHERE "finished_at" IS NOT NULL;
-- Jobs that ended and do not stand in the counts yet.
CREATE INDEX "jobs_uncounted_idx" ON "jobs" ("owner_id", "id") WHERE "finished_at" IS NOT NULL AND NOT "is_counted";
-- The runs of one version.
CREATE INDEX "executions_version_idx" ON "executions" ("owner_id", "version_id", "created_at", "id")
  WHERE "version_id" IS NOT NULL;
