/** Records what executions do as entries of one log per job, and folds the entries into what is on record. */
export { configKey, outputKey, readValues, type LoggedValueKey } from './bounded-values.ts'
export { readCheckpoints, sizeCheckpoints } from './checkpoints.ts'
export { eventCode } from './codes.ts'
export { decodeStep, requireKnownFormat } from './decode-entry.ts'
export { encodeEntry } from './encode-entry.ts'
export {
  checkpointPath,
  ENTRY_FORMAT,
  ENTRY_MAX_LENGTH,
  NO_CONTENTS,
  VALUE,
  type EncodedEntry,
  type LargeValue,
  type LoggedStep,
  type StepChange,
} from './entry.ts'
export { JOIN_EXECUTION_OUTPUT } from './execution-output.ts'
export { parsedBytes, readEvents } from './event-reader.ts'
export { Fold, type FoldedStep } from './fold.ts'
export { findSteps } from './found-steps.ts'
export {
  detailsKey,
  listedStep,
  stepDetails,
  stepPlace,
  waitSchemaKey,
  type ListedStep,
  type StepDetails,
} from './listed-step.ts'
export {
  createLogStore,
  type LogKey,
  type LogStore,
  type OpenPage,
  type OutputRef,
  type Tail,
} from './log-store.ts'
export { openPagesBytesSql, sizePages, tailBytesSql, type SizedPages } from './loaded-size.ts'
export { LogTail } from './log-tail.ts'
export { newestSteps, type NewestStep } from './newest-steps.ts'
export { applyPage, endedItems, newestOf, type PageBody } from './page.ts'
export { findLoopItems, readLoopOutputs, sizeLoopOutputs, type LoopItem } from './loop-items.ts'
export { SCANNED_MAX_BYTES, scanPages } from './page-scan.ts'
export { readSmallValues } from './small-values.ts'
export { writePages, type PageStore } from './page-writer.ts'
export { indexText, orderOf, positionOf } from './position.ts'
export { readSteps, type StepPage } from './step-reader.ts'
export { readPages, readTails } from './read-pieces.ts'
export { readSchemas, type SchemaRef } from './schema-reader.ts'
export { readSignalWaits, readWaits, type OpenStep } from './wait-reader.ts'
