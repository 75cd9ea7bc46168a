/** Bounds what one answer may read and hold, and reads stored values within these bounds. */
export {
  ANSWER_MAX_BYTES,
  ANSWER_MAX_ERRORS,
  ANSWER_MAX_PARSED_BYTES,
  ANSWER_MAX_VALUES,
  AnswerBudget,
  answerTooLarge,
  type AnswerPlaces,
} from './answer-budget.ts'
export { FieldPieces } from './field-pieces.ts'
export {
  LARGE_ANSWERS_HEAP_SHARE,
  LARGE_ANSWERS_MAX_WAITING_OF_OWNER,
  LARGE_ANSWERS_WAIT_MS,
  LargeAnswers,
} from './large-answers.ts'
export { PacedLoader } from './paced-loader.ts'
export { createValueReads, type ValueReads } from './value-reads.ts'
