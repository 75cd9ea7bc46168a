/** Provides clocks, durations and backoff delays; nothing else reads the time of day. */
export { backoffDelay, type Backoff } from './backoff.ts'
export { systemClock, waitOn, type Clock } from './clock.ts'
export { CorrectedClock, type ClockReading } from './corrected-clock.ts'
export { parseDuration } from './duration.ts'
export { instantText } from './instant-text.ts'
