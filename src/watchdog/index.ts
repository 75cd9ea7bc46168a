/** Notices a blocked event loop from a thread of its own, names the code that blocks it, and releases the jobs of its process. */
export { blockingNotePath, takeBlockingNote } from './blocking-note.ts'
export { BLOCKED_LOOP_REPORT_MS, Watchdog, type BlockedTime } from './watchdog.ts'
