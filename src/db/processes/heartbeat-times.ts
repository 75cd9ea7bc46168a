/** Times of the heartbeat of one process, in milliseconds. */
export interface HeartbeatTimes {
  readonly everyMs: number
  /** A heartbeat that takes longer than this is given up, and the next one opens a new connection. */
  readonly timeoutMs: number
}

const EVERY_MAX_MS = 1_000
const TIMEOUT_MS = 2_000

/**
 * The age from which the newest heartbeat of a process is stale: this share of the lease, and at most `STALE_MAX_MS`. A lease is renewed
 * every third of it, so where one has run out because its process died, the heartbeat is at least two thirds of the lease old.
 */
export const STALE_LEASE_SHARE = 0.4
export const STALE_MAX_MS = 5_000

/** After an outage each process that is alive writes a heartbeat within this time: one attempt may time out in it. */
export const GRACE_AFTER_OUTAGE_MS = 5_000

/** At least four heartbeats go into the time after which one is stale. */
export function heartbeatTimes(leaseMs: number): HeartbeatTimes {
  return { everyMs: Math.min(EVERY_MAX_MS, leaseMs / 10), timeoutMs: TIMEOUT_MS }
}
