-- The deletion of a job deletes its log, too. A flush looks up no foreign keys.
CREATE OR REPLACE FUNCTION "lume_delete_records"() RETURNS trigger LANGUAGE plpgsql
AS $$
BEGIN
  DELETE FROM job_log r USING gone WHERE r.job_id = gone.id;
  DELETE FROM job_values r USING gone WHERE r.job_id = gone.id;
  DELETE FROM job_pages r USING gone WHERE r.job_id = gone.id;
  RETURN NULL;
END
$$;

-- The log replaces these tables and this column.
CREATE FUNCTION "lume_drop_replaced_tables"() RETURNS void LANGUAGE plpgsql
AS $$
BEGIN
  DROP TABLE IF EXISTS job_events, step_values, step_checkpoints, loop_items, steps;
  ALTER TABLE execution_values DROP COLUMN IF EXISTS output;
END
$$;

-- Where jobs have no logs yet, their conversion drops the tables when it has read them.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM "log_conversion") THEN
    PERFORM "lume_drop_replaced_tables"();
  END IF;
END
$$;

-- AlterTable
ALTER TABLE "executions" ADD COLUMN     "input" JSON,
ADD COLUMN     "variables" JSON;

-- AlterTable
ALTER TABLE "execution_values" ALTER COLUMN "input" DROP NOT NULL,
ALTER COLUMN "variables" DROP NOT NULL;

-- What each execution was started with, wherever it is stored.
CREATE VIEW "execution_inputs" AS
SELECT e.id AS execution_id, e.owner_id, COALESCE(e.input, v.input) AS input, COALESCE(e.variables, v.variables) AS variables,
  v.patched, v.mocks
FROM executions e LEFT JOIN execution_values v ON v.execution_id = e.id;
