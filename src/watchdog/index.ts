/** Notices a blocked event loop from a separate thread, names the code that blocks it, releases the jobs of its process, and writes the heartbeat. */
export { blockingNotePath, takeBlockingNote } from './blocking-note.ts'
export { BLOCKED_LOOP_REPORT_MS, Watchdog, type BlockedTime } from './watchdog.ts'
