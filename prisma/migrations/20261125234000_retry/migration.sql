-- AlterTable
ALTER TABLE "execution_values" ADD COLUMN     "patched" JSON;

-- AlterTable
ALTER TABLE "executions" ADD COLUMN     "retry_from" TEXT,
ADD COLUMN     "retry_of" UUID;

-- AlterTable
ALTER TABLE "loop_items" ADD COLUMN     "reused_from" UUID;

-- AlterTable
ALTER TABLE "steps" ADD COLUMN     "call_key" TEXT,
ADD COLUMN     "reused_from" UUID;

-- AddForeignKey
ALTER TABLE "executions" ADD CONSTRAINT "executions_retry_of_fkey" FOREIGN KEY ("retry_of") REFERENCES "executions"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "steps" ADD CONSTRAINT "steps_reused_from_fkey" FOREIGN KEY ("reused_from") REFERENCES "executions"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "loop_items" ADD CONSTRAINT "loop_items_reused_from_fkey" FOREIGN KEY ("reused_from") REFERENCES "executions"("id") ON DELETE NO ACTION ON UPDATE NO ACTION;
ALTER TABLE "executions"
  ADD CONSTRAINT "executions_retry_check" CHECK (("retry_of" IS NULL) = ("retry_from" IS NULL));

ALTER TABLE "steps"
  ADD CONSTRAINT "steps_reused_check" CHECK
    ("reused_from" IS NULL OR ("status" = 'COMPLETED' AND "reused_from" <> "execution_id"));

ALTER TABLE "loop_items"
  ADD CONSTRAINT "loop_items_reused_check" CHECK
    ("reused_from" IS NULL OR ("status" = 'COMPLETED' AND "output" IS NULL AND "reused_from" <> "execution_id"));

-- The retries of an execution, and what stands against deleting it.
CREATE INDEX "executions_retries_idx" ON "executions" ("retry_of") WHERE "retry_of" IS NOT NULL;
CREATE INDEX "steps_reused_idx" ON "steps" ("reused_from") WHERE "reused_from" IS NOT NULL;
CREATE INDEX "loop_items_reused_idx" ON "loop_items" ("reused_from") WHERE "reused_from" IS NOT NULL;
