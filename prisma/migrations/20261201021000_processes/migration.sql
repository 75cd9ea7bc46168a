-- lume: expand
-- CreateTable
CREATE TABLE "processes" (
    "id" UUID NOT NULL,
    "host" TEXT NOT NULL,
    "pid" INTEGER NOT NULL,
    "version" TEXT NOT NULL,
    "role" TEXT NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "heartbeat_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "reachable_since" TIMESTAMPTZ(3) NOT NULL,
    "stopped_at" TIMESTAMPTZ(3),

    CONSTRAINT "processes_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "counted_losses" (
    "job_id" UUID NOT NULL,
    "fence" BIGINT NOT NULL,
    "process_id" UUID NOT NULL,

    CONSTRAINT "counted_losses_pkey" PRIMARY KEY ("job_id","fence")
);

-- CreateIndex
CREATE INDEX "counted_losses_process_id_idx" ON "counted_losses"("process_id");

-- AddForeignKey
ALTER TABLE "counted_losses" ADD CONSTRAINT "counted_losses_process_id_fkey" FOREIGN KEY ("process_id") REFERENCES "processes"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- A heartbeat writes a new version of its row: within the page, the version before it is removed without a vacuum.
ALTER TABLE "processes" SET ("fillfactor" = 50);
