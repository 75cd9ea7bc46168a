/** Reads what the API and the runs ask of the logs of jobs, in bounded pieces. */
export { configKey, outputKey, readValues, type LoggedValueKey } from './bounded-values.ts'
export { readCheckpoints, sizeCheckpoints } from './checkpoints.ts'
export { parsedBytes, readEvents } from './event-reader.ts'
export { JOIN_EXECUTION_OUTPUT } from './execution-output.ts'
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
export { openPagesBytesSql, sizePages, tailBytesSql, type SizedPages } from './loaded-size.ts'
export { findLoopItems, readLoopOutputs, sizeLoopOutputs, type LoopItem } from './loop-items.ts'
export { SCANNED_MAX_BYTES, scanPages } from './page-scan.ts'
export { readPages, readTails } from './read-pieces.ts'
export { readSchemas, type SchemaRef } from './schema-reader.ts'
export { readSmallValues } from './small-values.ts'
export { readSteps, type StepPage } from './step-reader.ts'
export { readSignalWaits, readWaits, type OpenStep } from './wait-reader.ts'
