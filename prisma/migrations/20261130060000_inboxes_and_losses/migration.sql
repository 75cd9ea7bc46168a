-- AlterTable
ALTER TABLE "jobs" ADD COLUMN     "loss_fence" BIGINT;

-- What a flush deletes from now on: messages about the ends of children that a holder has read. Each holder reads the ends of the
-- children that it waits for from their own rows, so no holder needs a message twice.
DELETE FROM "commands" c USING "jobs" j
WHERE j.id = c.job_id AND c.kind = 'CHILD_ENDED' AND (c.number <= j.commands_applied OR j.finished_at IS NOT NULL);

-- What a pause or a resume deletes from now on: earlier ones that a holder has read.
DELETE FROM "commands" c USING "jobs" j
WHERE j.id = c.job_id AND c.kind IN ('PAUSE', 'RESUME') AND c.number < (
  SELECT max(later.number) FROM "commands" later
  WHERE later.owner_id = c.owner_id AND later.job_id = c.job_id AND later.kind IN ('PAUSE', 'RESUME')
    AND later.number <= j.commands_applied
);
