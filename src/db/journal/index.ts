/** Commits what executions record in groups, guarded by the fence of each job. */
export { createJournalStore } from './journal-store.ts'
export { numbered, type JobWrite, type NumberedEvent } from './journal-write.ts'
export { Journal, type Claim, type ClaimedJournal } from './journal.ts'
export { createUnheldEnds, type UnheldEnd, type UnheldEnds, type WrittenEnds } from './unheld-ends.ts'
