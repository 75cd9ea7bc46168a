import { GRACE_AFTER_OUTAGE_MS, STALE_LEASE_SHARE, STALE_MAX_MS } from '../processes/index.ts'

const STALE_AFTER = `LEAST(${STALE_MAX_MS}, ${STALE_LEASE_SHARE} * $2::float8) * interval '1 ms'`
const GRACE = `interval '${GRACE_AFTER_OUTAGE_MS} ms'`

/**
 * A condition on the row `jobs` that a worker takes: whether the loss of its former holder counts towards `CRASH_LOOP` (D5). $1 is the
 * claimant and $2 its lease in milliseconds; workers of one database have leases of the same length.
 *
 * The loss counts where `counted_losses` names it. Otherwise it does not count where the former holder stopped in good order, and where
 * it may be alive: its heartbeat is not stale, or only an outage of the database has made it stale. What was reachable is known from the
 * claimant's own heartbeats, up to its newest one. A holder without a row is of a build that had none, and counts.
 */
export const COUNTS_AS_LOSS = `CASE WHEN jobs.holder IS NULL THEN false ELSE
  EXISTS (SELECT FROM counted_losses counted WHERE counted.job_id = jobs.id AND counted.fence = jobs.fence)
  OR NOT EXISTS (
    SELECT FROM processes former LEFT JOIN processes own ON own.id = $1
    WHERE former.id = jobs.holder AND (
      former.stopped_at IS NOT NULL
      OR COALESCE(own.heartbeat_at, now()) - former.heartbeat_at < ${STALE_AFTER}
      OR (former.heartbeat_at < own.reachable_since AND own.heartbeat_at - own.reachable_since < ${GRACE})
    )
  ) END`
