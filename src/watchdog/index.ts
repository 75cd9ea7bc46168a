/**
 * Notices a blocked event loop from a separate thread, names the code that blocks it, and releases the jobs of its process. The thread
 * also writes the heartbeat of the process.
 */
export { blockingNotePath, takeBlockingNote } from './blocking-note.ts'
export { BLOCKED_LOOP_REPORT_MS, Watchdog, type BlockedTime } from './watchdog.ts'
