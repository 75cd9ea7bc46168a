/** Compares two definitions and lists what changed and what may break callers. */
export { BREAKING_CODES, type BreakingCode, type BreakingReason } from './breaking-reason.ts'
export { compareDefinitions } from './compare.ts'
export {
  isEmptyDiff,
  type ChangeKind,
  type DefinitionDiff,
  type EdgeChange,
  type NodeChange,
} from './definition-diff.ts'
export { DIFF_MAX_TEXT, DiffTooLargeError } from './diff-text.ts'
export type { ValueChange } from './value-changes.ts'
