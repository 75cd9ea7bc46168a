/** Everything by which a change of a definition can break those who start it, read it or name its parts. */
export const BREAKING_CODES = {
  NODE_REMOVED: 'A node that mocks, retries and readers of its steps may name is gone.',
  NODE_TYPE_CHANGED: 'A node is another block now, so its output may be another one.',
  HANDLE_REMOVED: 'A handle that edges left by is gone.',
  INPUT_REQUIRED_ADDED: 'An input is required that was not.',
  INPUT_TYPE_CHANGED: 'An input that was accepted is of the wrong type now.',
  INPUT_FIELD_REFUSED: 'An input that was accepted is refused now.',
  OUTPUT_FIELD_REMOVED: 'A field of the output is gone.',
  OUTPUT_REPLACED: 'The output is another kind of value now.',
  VARIABLE_REMOVED: 'A variable that starts may set is gone.',
} as const

export type BreakingCode = keyof typeof BREAKING_CODES

export interface BreakingReason {
  readonly code: BreakingCode
  /** For what is gone, into the earlier definition; else into the later one. */
  readonly pointer: string
  readonly message: string
}
