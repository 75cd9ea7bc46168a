import {
  getOperationAST,
  GraphQLError,
  OperationTypeNode,
  type ExecutionArgs,
  type ExecutionResult,
} from 'graphql'
import type { Awaitable } from '../../lib/turns/index.ts'
import { onBehalfOf } from '../../lib/index.ts'
import { stringifyWithTexts } from '../../lib/json/index.ts'
import {
  ANSWER_MAX_BYTES,
  ANSWER_MAX_ERRORS,
  answerTooLarge,
  type AnswerBudget,
  type Context,
} from '../../schema/index.ts'
import { ANSWER_MAX_WRITTEN_VALUES, excessOf } from './answer-size.ts'

/**
 * Runs what makes one answer: an operation, or one result of a subscription. Refuses an answer that is too large with
 * `ANSWER_TOO_LARGE`: as a whole where a query is refused while it reads, and before an answer is written. Reports with
 * `TOO_MANY_ERRORS` that an operation was stopped at its errors. What is called asks for connections on behalf of the
 * operation's owner. The budget of the answer ends with it. Stored values are written as they are stored.
 */
export function withinAnswerLimits(
  args: ExecutionArgs,
  execute: () => Awaitable<ExecutionResult>,
): Awaitable<ExecutionResult> {
  const context = args.contextValue as Context
  const answer = (result: ExecutionResult) => {
    try {
      return within(result, args)
    } finally {
      context.answer.end()
    }
  }
  const fail = (fault: unknown): never => {
    context.answer.end()
    throw fault
  }
  let result: Awaitable<ExecutionResult>
  try {
    result = onBehalfOf(context.ownerId, execute)
  } catch (fault) {
    return fail(fault)
  }
  return result instanceof Promise ? result.then(answer, fail) : answer(result)
}

function within(result: ExecutionResult, args: ExecutionArgs): ExecutionResult {
  const { answer } = args.contextValue as Context
  const isQuery = getOperationAST(args.document, args.operationName)?.operation === OperationTypeNode.QUERY
  // What a mutation has done is answered as far as possible.
  if (answer.refusal && isQuery) return { errors: [answer.refusal] }
  const excess = isMeasured(result) ? null : excessOf(result.data, ANSWER_MAX_BYTES)
  if (excess) {
    const limit = excess.kind === 'values' ? ANSWER_MAX_WRITTEN_VALUES : ANSWER_MAX_BYTES
    const what = `${excess.place}: the answer has more than ${limit} ${excess.kind}`
    const done = isQuery ? '' : 'The operation was carried out, but its answer is not sent. '
    return { errors: [answerTooLarge(`${done}${what}`, limit)] }
  }
  const errors = firstErrorsOf(result, answer, isQuery)
  // A null of a field that was not read looks like one that was.
  const data = answer.stop && isQuery ? null : result.data
  const shown = { ...result, data, ...(errors.length > 0 ? { errors } : {}) }
  if (data) measured.add(data)
  return { ...shown, stringify: stringifyWithTexts } as ExecutionResult
}

/** The data of answers that are within the limits: subscribers may share them. */
const measured = new WeakSet<object>()

function isMeasured({ data }: ExecutionResult): boolean {
  return data != null && measured.has(data)
}

/**
 * The errors of an answer, `ANSWER_MAX_ERRORS` at most. The last one says whether the operation was stopped at them; without
 * that there are errors that no field has.
 */
function firstErrorsOf(
  { errors = [] }: ExecutionResult,
  answer: AnswerBudget,
  isQuery: boolean,
): readonly GraphQLError[] {
  const own = errors.filter((error) => error !== answer.stop)
  if (answer.stop) return [...own.slice(0, ANSWER_MAX_ERRORS), stoppedAtErrors(isQuery)]
  if (own.length <= ANSWER_MAX_ERRORS) return own
  const message = `${own.length - ANSWER_MAX_ERRORS} further errors are left out; one answer reports at most ${ANSWER_MAX_ERRORS}.`
  const rest = new GraphQLError(message, { extensions: { code: 'TOO_MANY_ERRORS' } })
  return [...own.slice(0, ANSWER_MAX_ERRORS), rest]
}

function stoppedAtErrors(isQuery: boolean): GraphQLError {
  const effect = isQuery
    ? 'Its other fields were not read.'
    : 'Its other fields were not read, and mutations that follow in the document were not carried out.'
  const message = `The operation was stopped at its ${ANSWER_MAX_ERRORS}th error of a field. ${effect} Mend the causes of these errors, or ask for fewer objects.`
  return new GraphQLError(message, { extensions: { code: 'TOO_MANY_ERRORS', limit: ANSWER_MAX_ERRORS } })
}
