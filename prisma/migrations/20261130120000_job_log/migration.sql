-- AlterTable
ALTER TABLE "jobs" ADD COLUMN     "entry_no" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "paged_no" INTEGER NOT NULL DEFAULT 0;

-- CreateTable
CREATE TABLE "job_log" (
    "job_id" UUID NOT NULL,
    "seq" INTEGER NOT NULL,
    "entry_no" INTEGER NOT NULL,
    "format" SMALLINT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "changes" JSON,
    "events" JSON,
    "small" JSON,

    CONSTRAINT "job_log_pkey" PRIMARY KEY ("job_id","seq","entry_no")
);

-- CreateTable
CREATE TABLE "job_values" (
    "job_id" UUID NOT NULL,
    "entry_no" INTEGER NOT NULL,
    "key" TEXT NOT NULL,
    "value" JSON NOT NULL,

    CONSTRAINT "job_values_pkey" PRIMARY KEY ("job_id","entry_no","key")
);

-- CreateTable
CREATE TABLE "job_pages" (
    "job_id" UUID NOT NULL,
    "low" TEXT NOT NULL,
    "steps" INTEGER NOT NULL,
    "open" INTEGER NOT NULL,
    "top" INTEGER NOT NULL,
    "ended" JSON NOT NULL,
    "body" JSON NOT NULL,

    CONSTRAINT "job_pages_pkey" PRIMARY KEY ("job_id","low")
);

-- Positions are compared by their bytes, in whatever order the database sorts other texts.
ALTER TABLE "job_pages" ALTER COLUMN "low" TYPE text COLLATE "C";

ALTER TABLE "job_log"
  ADD CONSTRAINT "job_log_numbers_check" CHECK ("seq" >= 0 AND "entry_no" >= 1);

-- The deletion of a job deletes its log, too. A flush looks up no foreign keys.
CREATE OR REPLACE FUNCTION "lume_delete_records"() RETURNS trigger LANGUAGE plpgsql
AS $$
BEGIN
  DELETE FROM job_events r USING gone WHERE r.owner_id = gone.owner_id AND r.job_id = gone.id;
  DELETE FROM step_values r USING gone WHERE r.owner_id = gone.owner_id AND r.execution_id = gone.id;
  DELETE FROM step_checkpoints r USING gone WHERE r.owner_id = gone.owner_id AND r.execution_id = gone.id;
  DELETE FROM loop_items r USING gone WHERE r.owner_id = gone.owner_id AND r.execution_id = gone.id;
  DELETE FROM steps r USING gone WHERE r.owner_id = gone.owner_id AND r.execution_id = gone.id;
  DELETE FROM job_log r USING gone WHERE r.job_id = gone.id;
  DELETE FROM job_values r USING gone WHERE r.job_id = gone.id;
  DELETE FROM job_pages r USING gone WHERE r.job_id = gone.id;
  RETURN NULL;
END
$$;
