-- DropForeignKey
ALTER TABLE "job_events" DROP CONSTRAINT "job_events_job_id_fkey";

-- DropForeignKey
ALTER TABLE "step_values" DROP CONSTRAINT "step_values_owner_id_execution_id_path_fkey";

-- A flush inserts only rows of jobs that the same statement has updated, so no foreign key has to look them up. The deletion of a
-- job deletes its records. It waits for a flush that has updated the job, and this function reads what that flush has committed.
CREATE FUNCTION "lume_delete_records"() RETURNS trigger LANGUAGE plpgsql
AS $$
BEGIN
  DELETE FROM job_events r USING gone WHERE r.owner_id = gone.owner_id AND r.job_id = gone.id;
  DELETE FROM step_values r USING gone WHERE r.owner_id = gone.owner_id AND r.execution_id = gone.id;
  DELETE FROM step_checkpoints r USING gone WHERE r.owner_id = gone.owner_id AND r.execution_id = gone.id;
  DELETE FROM loop_items r USING gone WHERE r.owner_id = gone.owner_id AND r.execution_id = gone.id;
  DELETE FROM steps r USING gone WHERE r.owner_id = gone.owner_id AND r.execution_id = gone.id;
  RETURN NULL;
END
$$;

CREATE TRIGGER "jobs_delete_records" AFTER DELETE ON "jobs" REFERENCING OLD TABLE AS gone
  FOR EACH STATEMENT EXECUTE FUNCTION "lume_delete_records"();
