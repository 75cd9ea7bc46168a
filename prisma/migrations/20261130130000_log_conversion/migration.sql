-- CreateTable
CREATE TABLE "log_conversion" (
    "is_pending" BOOLEAN NOT NULL DEFAULT true,
    "converted_to" UUID,

    CONSTRAINT "log_conversion_pkey" PRIMARY KEY ("is_pending")
);

-- At most one row.
ALTER TABLE "log_conversion" ADD CONSTRAINT "log_conversion_pending_check" CHECK ("is_pending");

-- Jobs without a log are converted when the next process starts.
INSERT INTO "log_conversion" SELECT true WHERE EXISTS (SELECT FROM "jobs");
