/**
 * Statements about the jobs that one worker holds, for the watchdog's thread. It sends them on its own connection while
 * the main thread is blocked, so they wait for no row that the main thread may have locked.
 */

/** $1: worker id, $2: lease in milliseconds. */
export const RENEW_HELD = `
WITH held AS (
  SELECT id FROM jobs WHERE holder = $1 ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE jobs SET leased_until = now() + $2::int * interval '1 ms' FROM held WHERE jobs.id = held.id`

/** Gives all jobs back but the one that blocks its worker; only the loss of that one counts. $1: worker id, $2: that job's id. */
export const GIVE_BACK_NEIGHBOURS = `
WITH held AS (
  SELECT id FROM jobs WHERE holder = $1 AND id <> $2::uuid ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
), counted AS (
  INSERT INTO counted_losses (job_id, fence, process_id)
  SELECT jobs.id, jobs.fence, processes.id FROM jobs JOIN processes ON processes.id = jobs.holder
  WHERE jobs.id = $2::uuid AND jobs.holder = $1
  ON CONFLICT DO NOTHING
)
UPDATE jobs SET holder = NULL, leased_until = NULL, wake_at = now() FROM held WHERE jobs.id = held.id`
