import { EXECUTION_OUTPUT, valueKey } from '../log/index.ts'

/**
 * Joins to the row `j` of a job the output of its execution as `output.value`, which is null unless the job completed. It is in the
 * entry that ended the job. That is the job's last entry: an ended job has no lease, and no flush writes a job without one.
 *
 * OFFSET 0 keeps the entry's values from being unpacked for each use of the output.
 */
export const JOIN_EXECUTION_OUTPUT = `LEFT JOIN LATERAL (
  SELECT COALESCE(v.value, l.small->'o'->'${EXECUTION_OUTPUT}') AS value
  FROM job_log l
  LEFT JOIN job_values v ON v.job_id = l.job_id AND v.entry_no = l.entry_no AND v.key = '${valueKey('o', EXECUTION_OUTPUT)}'
  WHERE j.finished_at IS NOT NULL AND l.job_id = j.id AND l.seq = j.last_seq AND l.entry_no = j.entry_no OFFSET 0
) AS output ON true`
