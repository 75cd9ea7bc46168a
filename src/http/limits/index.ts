/** Bounds what an operation may cost: its document, inputs, answer, rate and subscriptions. */
export { withinAnswerLimits } from './answer-limits.ts'
export { ANSWER_MAX_WRITTEN_VALUES } from './answer-size.ts'
export {
  ADDRESS_MAX_CONNECTIONS,
  Connections,
  CONNECTIONS_HEAP_SHARE,
  TOO_MANY_CONNECTIONS,
  WEBSOCKETS_PER_SUBSCRIPTION,
} from './connections.ts'
export { inputErrorsOf, OPERATION_MAX_VALUES, VARIABLE_MAX_ERRORS } from './input-limits.ts'
export { judgeCost, MAX_COST, withCost } from './operation-cost.ts'
export {
  DEFAULT_LIMITS,
  DOCUMENT_MAX_FIELDS,
  LOCATED_MAX_LINES,
  useOperationLimits,
} from './operation-limits.ts'
export {
  createRateLimit,
  PAGES_PER_MINUTE,
  REQUESTS_PER_MINUTE,
  senderAt,
  type RateLimit,
} from './rate-limit.ts'
export { REPEATED_FIELDS_MAX_PAIRS } from './repeated-fields.ts'
export {
  OBJECT_HEAP_BYTES,
  RUNNING_COST_HEAP_SHARE,
  RUNNING_COST_WAIT_MS,
  RunningCost,
  SMALL_OPERATION_MAX_COST,
} from './running-cost.ts'
export {
  DEFAULT_MAX_SUBSCRIPTIONS,
  SUBSCRIPTION_MAX_BYTES,
  SubscriptionLimit,
  SUBSCRIPTIONS_HEAP_SHARE,
  SUBSCRIPTIONS_OWNER_SHARE,
} from './subscription-limit.ts'
export { MESSAGE_MAX_LENGTH, messageWithoutValue } from './variable-error.ts'
