/** The row of each process: who runs, which heartbeat is its newest, and whether it stopped in good order. */
export {
  GRACE_AFTER_OUTAGE_MS,
  heartbeatTimes,
  STALE_LEASE_SHARE,
  STALE_MAX_MS,
  type HeartbeatTimes,
} from './heartbeat-times.ts'
export { createProcessStore, HEARTBEAT } from './process-store.ts'
export { Registration } from './registration.ts'
