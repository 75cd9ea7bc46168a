import { formatPrismaCursor, parsePrismaCursor } from '@pothos/plugin-prisma'
import { stepPlace, type ListedStep } from '../../db/log-reads/index.ts'
import { badCursor, stepsById, type Context } from '../kit/index.ts'
import { pageOf, readPageArguments, type PageArguments } from '../pages/index.ts'

/** The part of a step's global id behind the type: identifies it among all of an owner. */
export function stepId(executionId: string, path: string): string {
  return `${executionId}:${path}`
}

/** A page of an execution's steps, read together with those of the other executions of its list. */
export function stepsOf(executionId: string, args: PageArguments, context: Context) {
  const { batch, stepList, ownerId } = context
  // Thrown, and not rejected: the errors of a list stop the operation before its other items begin.
  const { size, direction, cursor } = readPageArguments(args)
  const path = cursor === null ? null : readCursor(cursor, executionId)
  const read = async () => {
    const step = path === null ? null : await stepsById(context).load(stepId(executionId, path))
    const isBeyond = path !== null
    const page = { beyond: step && stepPlace(step), direction, limit: size + 1 }
    const found =
      isBeyond && !step
        ? []
        : await batch('steps of executions', page, (ids) => stepList.pagesOf(ownerId, ids, page)).load(
            executionId,
          )
    return pageOf({ size, direction, found, isBeyond, cursorOf })
  }
  let reading: ReturnType<typeof read> | null = null
  // The steps are read when the first of these fields is asked for: `totalCount` needs none of them.
  return {
    get edges() {
      reading ??= read()
      return reading.then(({ edges }) => edges)
    },
    get pageInfo() {
      reading ??= read()
      return reading.then(({ pageInfo }) => pageInfo)
    },
    totalCount: () =>
      batch('count of steps', null, (ids) => stepList.countsOf(ownerId, ids)).load(executionId),
  }
}

/** Cursors have the form that they had while steps were rows of a table with this key, so that clients continue with those they hold. */
const KEY = ['ownerId', 'executionId', 'path'] as const

function cursorOf({ job: { ownerId, id: executionId }, step: { path } }: ListedStep): string {
  return formatPrismaCursor({ ownerId, executionId, path }, [...KEY])
}

/** The path of the step that a cursor stands for. It is of one execution: no other one of a list has a page there. */
function readCursor(cursor: string, executionId: string): string {
  const [, id, path] = parse(cursor)
  if (id !== executionId || typeof path !== 'string' || path.includes('\u0000')) throw badCursor()
  return path
}

function parse(cursor: string): readonly unknown[] {
  try {
    const parsed: unknown = parsePrismaCursor(cursor)
    return Array.isArray(parsed) && parsed.length === KEY.length ? parsed : []
  } catch {
    return [] // not a cursor at all
  }
}
