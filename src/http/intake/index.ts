/** Reads requests and messages within bounds of size, structure, number and time, before anything else does. */
export {
  BODY_MAX_BYTES,
  createBodyReader,
  tooComplex,
  type Body,
  type ReadBody,
  type RequestSize,
} from './bodies.ts'
export {
  BodyBudget,
  budgetOfHeap,
  IN_FLIGHT_HEAP_SHARE,
  IN_FLIGHT_MAX_BYTES_OF_SENDER,
  VALUE_WEIGHT_BYTES,
  type BudgetLimits,
} from './body-budget.ts'
export {
  BODY_MAX_DEPTH,
  BODY_MAX_MEMBERS,
  BODY_MAX_VALUES,
  JsonStructure,
  structureExcessOf,
} from './json-structure.ts'
export { MessageIntake, OPERATION_ID_MAX_LENGTH, SOCKET_MAX_UNANSWERED, TOO_BIG } from './message-intake.ts'
export { MessageRate, SOCKET_MESSAGES_PER_MINUTE, SOCKET_PINGS_PER_MINUTE } from './message-rate.ts'
export { OperationTurns } from './operation-turns.ts'
export { LARGE_BODY_BYTES, PARSE_WAIT_MS, ParseTurns } from './parse-turns.ts'
export {
  CONNECTION_MAX_UNANSWERED,
  CONNECTION_MAX_WAITING,
  PIPELINED_HEAP_SHARE,
  PipelinedRequests,
} from './pipelined-requests.ts'
export { SERVICE_UNAVAILABLE } from './service-unavailable.ts'
export { RefusedRequestError, type Refusal } from './refused-request.ts'
export {
  UNSENT_HEAP_SHARE,
  UNSENT_MAX_BYTES_OF_CONNECTION,
  UNSENT_STALL_MS,
  UnsentBytes,
  unsentLimitsOfHeap,
  type UnsentLimits,
} from './unsent-bytes.ts'
