-- lume: expand
-- CreateTable
CREATE TABLE "block_waits" (
    "job_id" UUID NOT NULL,
    "types" TEXT NOT NULL,
    "since" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "block_waits_pkey" PRIMARY KEY ("job_id")
);

-- CreateTable
CREATE TABLE "missing_block_types" (
    "types" TEXT NOT NULL,
    "available_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "missing_block_types_pkey" PRIMARY KEY ("types")
);

-- CreateIndex
CREATE INDEX "block_waits_types_since_job_id_idx" ON "block_waits"("types", "since", "job_id");

-- AddForeignKey
ALTER TABLE "block_waits" ADD CONSTRAINT "block_waits_job_id_fkey" FOREIGN KEY ("job_id") REFERENCES "jobs"("id") ON DELETE CASCADE ON UPDATE CASCADE;
