/** Carries statements through outages of the database, and logs each outage once. */
export { Outage } from './outage.ts'
export { REQUEST_MAX_REPEATS, TransientRetry } from './transient-retry.ts'
