/** Records what executions do as entries of one log per job, and folds the entries into what is on record. */
export { eventCode } from './codes.ts'
export {
  decodeEventsBetween,
  decodeItem,
  decodeStep,
  requireKnownFormat,
  type LogRow,
} from './decode-entry.ts'
export { derivedAttempts } from './derived.ts'
export { encodeEntry } from './encode-entry.ts'
export {
  checkpointPath,
  ENTRY_FORMAT,
  ENTRY_MAX_LENGTH,
  EXECUTION_OUTPUT,
  NO_CONTENTS,
  VALUE,
  valueKey,
  type Changes,
  type EncodedEntry,
  type EventChange,
  type ItemChange,
  type LargeValue,
  type LoggedStep,
  type StepChange,
  type ValueKind,
} from './entry.ts'
export { Fold, newestValues, type EntryAt, type FoldedStep, type ValuesAt } from './fold.ts'
export {
  createLogStore,
  ENTRY_TIME,
  millisecondsSql,
  type LogKey,
  type LogStore,
  type OpenPage,
  type OutputRef,
  type PagedStepRef,
  type StepKey,
  type Tail,
} from './log-store.ts'
export { LogTail } from './log-tail.ts'
export { isWaiting, mayWaitSql, newestSteps, type NewestStep } from './newest-steps.ts'
export {
  applyPage,
  endedItems,
  foldedPagedItem,
  newestOf,
  pagedEntries,
  type EndedRun,
  type PageBody,
  type PagedItem,
  type PagedStep,
  type PageSummary,
} from './page.ts'
export { writePages, type PageStore } from './page-writer.ts'
export { BEHIND_ALL, itemRange, orderOf, positionOf, type PositionRange } from './position.ts'
