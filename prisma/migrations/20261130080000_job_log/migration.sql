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

ALTER TABLE "jobs"
  ADD CONSTRAINT "jobs_paged_check" CHECK ("paged_no" BETWEEN 0 AND "entry_no");

ALTER TABLE "job_log"
  ADD CONSTRAINT "job_log_numbers_check" CHECK ("seq" >= 0 AND "entry_no" >= 1);

-- A flush looks up no foreign keys: this deletes what the log holds of a job with the job, one statement for all that are deleted.
CREATE FUNCTION delete_job_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM job_log USING deleted WHERE job_log.job_id = deleted.id;
  DELETE FROM job_values USING deleted WHERE job_values.job_id = deleted.id;
  DELETE FROM job_pages USING deleted WHERE job_pages.job_id = deleted.id;
  RETURN NULL;
END
$$;

CREATE TRIGGER jobs_delete_log AFTER DELETE ON "jobs"
  REFERENCING OLD TABLE AS deleted FOR EACH STATEMENT EXECUTE FUNCTION delete_job_log();
