/** Records what executions do as entries of one log per job, and folds the entries into what is on record. */
export { indexText, positionOf } from './position.ts'
