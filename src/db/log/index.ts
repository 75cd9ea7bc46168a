/** Records what executions do as entries of one log per job, and folds the entries into what is on record. */
export { decodeEvents, type LogRow } from './decode-entry.ts'
export { encodeEntry } from './encode-entry.ts'
export { Fold } from './fold.ts'
export { indexText, positionOf } from './position.ts'
