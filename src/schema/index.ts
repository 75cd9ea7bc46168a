/** Provides the GraphQL schema and the context that its resolvers need. */
export {
  type AnswerBudget,
  ANSWER_MAX_BYTES,
  ANSWER_MAX_ERRORS,
  ANSWER_MAX_PARSED_BYTES,
  ANSWER_MAX_VALUES,
  answerTooLarge,
  LARGE_ANSWERS_HEAP_SHARE,
  LARGE_ANSWERS_MAX_WAITING_OF_OWNER,
  LARGE_ANSWERS_WAIT_MS,
  LargeAnswers,
} from './answers/index.ts'
export { createContext, isResumable, readNextResult, type Context, type Services } from './kit/index.ts'
export { LIST_MAX_ITEMS, maxItemsOf, NAME_MAX_LENGTH, STRING_MAX_LENGTH } from './list-limits.ts'
export { schema } from './schema.ts'
