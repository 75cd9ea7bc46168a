/** Decides which recorded results of an earlier execution a retry reuses, and which steps run again. */
export { checkTerms, type TermsFault } from './check-terms.ts'
export {
  originalOf,
  type Original,
  type OriginalRecord,
  type OriginalStep,
  type OriginalStepRecord,
} from './original.ts'
export { readRetryFrom } from './retry-from.ts'
export { Reuse, ReuseUndecidedError, type ReachedStep } from './reuse.ts'
export type { SourceValues } from './source-values.ts'
