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

/** Gives all jobs back but the one that blocks its worker; no recovery is counted for them. $1: worker id, $2: that job's id. */
export const GIVE_BACK_NEIGHBOURS = `
WITH held AS (
  SELECT id FROM jobs WHERE holder = $1 AND id <> $2::uuid ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE jobs SET holder = NULL, leased_until = NULL, wake_at = now() FROM held WHERE jobs.id = held.id`
