/** Records what executions do as entries of one log per job, and folds the entries into what is on record. */
export { eventCode } from './codes.ts'
export { encodeEntry } from './encode-entry.ts'
export { ENTRY_FORMAT, ENTRY_MAX_LENGTH, type EncodedEntry, type LargeValue } from './entry.ts'
export { createLogStore } from './log-store.ts'
export { LogTail } from './log-tail.ts'
export type { PageStore } from './page-writer.ts'
export { indexText, positionOf } from './position.ts'
export { isUnlogged, nextEntryNo, nextEntryNoSql } from './unlogged-job.ts'
