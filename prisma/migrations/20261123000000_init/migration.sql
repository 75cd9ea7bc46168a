-- CreateTable
CREATE TABLE "workflows" (
    "id" UUID NOT NULL,
    "owner_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT NOT NULL DEFAULT '',
    "tags" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "draft" JSON NOT NULL,
    "revision" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "deleted_at" TIMESTAMPTZ(3),

    CONSTRAINT "workflows_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "definitions" (
    "id" UUID NOT NULL,
    "owner_id" TEXT NOT NULL,
    "hash" CHAR(64) NOT NULL,
    "body" JSON NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "definitions_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "jobs" (
    "id" UUID NOT NULL,
    "owner_id" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "progress" DOUBLE PRECISION NOT NULL DEFAULT 0,
    "priority" SMALLINT NOT NULL DEFAULT 0,
    "handler" TEXT NOT NULL DEFAULT 'engine',
    "fence" BIGINT NOT NULL DEFAULT 0,
    "last_seq" INTEGER NOT NULL DEFAULT 0,
    "holder" UUID,
    "lease_until" TIMESTAMPTZ(3),
    "wake_at" TIMESTAMPTZ(3),
    "recoveries" INTEGER NOT NULL DEFAULT 0,
    "commands_sent" INTEGER NOT NULL DEFAULT 0,
    "commands_applied" INTEGER NOT NULL DEFAULT 0,
    "cancel_requested_at" TIMESTAMPTZ(3),
    "current_step" TEXT,
    "completed_nodes" INTEGER NOT NULL DEFAULT 0,
    "total_nodes" INTEGER NOT NULL DEFAULT 0,
    "error" JSON,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "started_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "jobs_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "executions" (
    "id" UUID NOT NULL,
    "owner_id" TEXT NOT NULL,
    "definition_id" UUID NOT NULL,
    "workflow_id" UUID,
    "label" TEXT,
    "mode" TEXT NOT NULL DEFAULT 'production',
    "metadata" JSON NOT NULL DEFAULT '{}',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "executions_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "execution_values" (
    "execution_id" UUID NOT NULL,
    "owner_id" TEXT NOT NULL,
    "input" JSON NOT NULL,
    "variables" JSON NOT NULL,
    "output" JSON,

    CONSTRAINT "execution_values_pkey" PRIMARY KEY ("execution_id")
);

-- CreateTable
CREATE TABLE "steps" (
    "owner_id" TEXT NOT NULL,
    "execution_id" UUID NOT NULL,
    "path" TEXT NOT NULL,
    "position" TEXT COLLATE "C" NOT NULL,
    "node_id" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "attempt" INTEGER NOT NULL DEFAULT 0,
    "attempts" JSON NOT NULL DEFAULT '[]',
    "handles" JSON NOT NULL DEFAULT '[]',
    "input_from" JSON NOT NULL DEFAULT '[]',
    "due_at" TIMESTAMPTZ(3),
    "error" JSON,
    "started_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "steps_pkey" PRIMARY KEY ("owner_id","execution_id","path")
);

-- CreateTable
CREATE TABLE "step_values" (
    "owner_id" TEXT NOT NULL,
    "execution_id" UUID NOT NULL,
    "path" TEXT NOT NULL,
    "config" JSON NOT NULL,
    "output" JSON,

    CONSTRAINT "step_values_pkey" PRIMARY KEY ("owner_id","execution_id","path")
);

-- CreateTable
CREATE TABLE "loop_items" (
    "owner_id" TEXT NOT NULL,
    "execution_id" UUID NOT NULL,
    "path" TEXT NOT NULL,
    "index" INTEGER NOT NULL,
    "status" TEXT NOT NULL,
    "output" JSON,
    "error" JSON,
    "finished_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "loop_items_pkey" PRIMARY KEY ("owner_id","execution_id","path","index")
);

-- CreateTable
CREATE TABLE "job_events" (
    "owner_id" TEXT NOT NULL,
    "job_id" UUID NOT NULL,
    "seq" INTEGER NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "kind" TEXT NOT NULL,
    "progress" DOUBLE PRECISION NOT NULL,
    "body" JSON NOT NULL,

    CONSTRAINT "job_events_pkey" PRIMARY KEY ("owner_id","job_id","seq")
);

-- CreateTable
CREATE TABLE "commands" (
    "owner_id" TEXT NOT NULL,
    "job_id" UUID NOT NULL,
    "number" INTEGER NOT NULL,
    "kind" TEXT NOT NULL,
    "payload" JSON NOT NULL DEFAULT '{}',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "commands_pkey" PRIMARY KEY ("owner_id","job_id","number")
);

-- CreateTable
CREATE TABLE "idempotency_keys" (
    "owner_id" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "request_hash" CHAR(64) NOT NULL,
    "job_id" UUID NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "idempotency_keys_pkey" PRIMARY KEY ("owner_id","key")
);

-- CreateIndex
CREATE INDEX "workflows_owner_id_id_idx" ON "workflows"("owner_id", "id" DESC);

-- CreateIndex
CREATE UNIQUE INDEX "definitions_owner_id_hash_key" ON "definitions"("owner_id", "hash");

-- CreateIndex
CREATE INDEX "jobs_owner_id_id_idx" ON "jobs"("owner_id", "id" DESC);

-- CreateIndex
CREATE INDEX "executions_owner_id_id_idx" ON "executions"("owner_id", "id" DESC);

-- CreateIndex
CREATE INDEX "executions_owner_id_workflow_id_id_idx" ON "executions"("owner_id", "workflow_id", "id" DESC);

-- AddForeignKey
ALTER TABLE "executions" ADD CONSTRAINT "executions_id_fkey" FOREIGN KEY ("id") REFERENCES "jobs"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "executions" ADD CONSTRAINT "executions_definition_id_fkey" FOREIGN KEY ("definition_id") REFERENCES "definitions"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "executions" ADD CONSTRAINT "executions_workflow_id_fkey" FOREIGN KEY ("workflow_id") REFERENCES "workflows"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "execution_values" ADD CONSTRAINT "execution_values_execution_id_fkey" FOREIGN KEY ("execution_id") REFERENCES "executions"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "step_values" ADD CONSTRAINT "step_values_owner_id_execution_id_path_fkey" FOREIGN KEY ("owner_id", "execution_id", "path") REFERENCES "steps"("owner_id", "execution_id", "path") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "job_events" ADD CONSTRAINT "job_events_job_id_fkey" FOREIGN KEY ("job_id") REFERENCES "jobs"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "commands" ADD CONSTRAINT "commands_job_id_fkey" FOREIGN KEY ("job_id") REFERENCES "jobs"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- What Prisma's language cannot say: the state machine, the law of leases, and the partial indexes of dispatch.

ALTER TABLE "workflows"
  ADD CONSTRAINT "workflows_revision_check" CHECK ("revision" >= 1);

ALTER TABLE "jobs"
  ADD CONSTRAINT "jobs_type_check" CHECK ("type" IN ('WORKFLOW', 'SEARCH', 'UPLOAD_TO_META')),
  ADD CONSTRAINT "jobs_status_check" CHECK ("status" IN
    ('CREATED', 'QUEUED', 'RUNNING', 'WAITING', 'PAUSED', 'CANCELING', 'COMPLETED', 'FAILED', 'CANCELED')),
  ADD CONSTRAINT "jobs_handler_check" CHECK ("handler" IN ('engine', 'process')),
  ADD CONSTRAINT "jobs_progress_check" CHECK ("progress" BETWEEN 0 AND 100),
  ADD CONSTRAINT "jobs_full_progress_check" CHECK ("progress" < 100 OR "status" = 'COMPLETED'),
  ADD CONSTRAINT "jobs_numbers_check" CHECK ("fence" >= 0 AND "last_seq" >= 0 AND "recoveries" >= 0),
  ADD CONSTRAINT "jobs_commands_check" CHECK ("commands_applied" BETWEEN 0 AND "commands_sent"),
  -- A lease has a holder and a holder has a lease.
  ADD CONSTRAINT "jobs_lease_check" CHECK (("holder" IS NULL) = ("lease_until" IS NULL)),
  -- Ended, and only then, there is an end; whatever ended is held by nobody and wants nobody.
  ADD CONSTRAINT "jobs_finished_check" CHECK
    (("finished_at" IS NOT NULL) = ("status" IN ('COMPLETED', 'FAILED', 'CANCELED'))),
  ADD CONSTRAINT "jobs_ended_check" CHECK ("finished_at" IS NULL OR ("holder" IS NULL AND "wake_at" IS NULL)),
  ADD CONSTRAINT "jobs_error_check" CHECK ("status" <> 'FAILED' OR "error" IS NOT NULL);

ALTER TABLE "executions"
  ADD CONSTRAINT "executions_mode_check" CHECK ("mode" IN ('production', 'demo', 'test'));

ALTER TABLE "steps"
  ADD CONSTRAINT "steps_status_check" CHECK ("status" IN
    ('PENDING', 'RUNNING', 'RETRYING', 'WAITING', 'COMPLETED', 'FAILED', 'SKIPPED', 'CANCELED')),
  ADD CONSTRAINT "steps_attempt_check" CHECK ("attempt" >= 0),
  ADD CONSTRAINT "steps_due_check" CHECK ("due_at" IS NULL OR "status" IN ('WAITING', 'RETRYING')),
  ADD CONSTRAINT "steps_finished_check" CHECK
    (("finished_at" IS NOT NULL) = ("status" IN ('COMPLETED', 'FAILED', 'SKIPPED', 'CANCELED')));

ALTER TABLE "loop_items"
  ADD CONSTRAINT "loop_items_status_check" CHECK ("status" IN ('COMPLETED', 'FAILED')),
  ADD CONSTRAINT "loop_items_index_check" CHECK ("index" >= 0);

ALTER TABLE "job_events"
  ADD CONSTRAINT "job_events_seq_check" CHECK ("seq" >= 1),
  ADD CONSTRAINT "job_events_progress_check" CHECK ("progress" BETWEEN 0 AND 100);

ALTER TABLE "commands"
  ADD CONSTRAINT "commands_number_check" CHECK ("number" >= 1),
  ADD CONSTRAINT "commands_kind_check" CHECK ("kind" IN ('CANCEL'));

-- Jobs that want a worker, best first.
CREATE INDEX "jobs_wanting_idx" ON "jobs" ("priority" DESC, "wake_at", "id")
  WHERE "holder" IS NULL AND "wake_at" IS NOT NULL;
-- Jobs that a worker holds: what heartbeats renew and sweepers look at.
CREATE INDEX "jobs_held_idx" ON "jobs" ("id") WHERE "holder" IS NOT NULL;

-- Every flush updates these rows in place: room on the page keeps the updates off the indexes.
ALTER TABLE "jobs" SET (fillfactor = 70);
ALTER TABLE "steps" SET (fillfactor = 80);
