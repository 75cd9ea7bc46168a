import { stepPlace, type StepPlace } from '../../db/log/index.ts'
import {
  badCursor,
  pageOf,
  readCursor,
  readPageArguments,
  writeCursor,
  type Context,
  type PageArguments,
} from '../kit/index.ts'

/** A page of an execution's steps, read together with those of the other executions of its list. */
export function stepsOf(executionId: string, args: PageArguments, context: Context) {
  const { batch, stepList, ownerId } = context
  // Thrown, and not rejected: the errors of a list stop the operation before its other items begin.
  const { size, direction, cursor } = readPageArguments(args)
  const beyond = cursor === null ? null : readPlace(cursor, executionId)
  const page = { beyond, direction, limit: size + 1 }
  const read = async () => {
    const found = await batch('steps of executions', page, (ids) =>
      stepList.pagesOf(ownerId, ids, page),
    ).load(executionId)
    const cursorOf = (step: Parameters<typeof stepPlace>[0]) => cursorAt(stepPlace(step), executionId)
    return pageOf({ size, direction, found, isBeyond: beyond !== null, cursorOf })
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

/** Says in a cursor which list it is of. */
const LIST = 'STEPS'
/** The indexes of a step in its graph and of the loop items around it. */
const POSITION = /^[0-9a-z]{4,12}(\.[0-9a-z]{4,12}){0,40}$/

/** A cursor is a place in one execution: no other one of a list has a page there. */
function cursorAt({ position, path }: StepPlace, executionId: string): string {
  return writeCursor([LIST, executionId, position, path])
}

function readPlace(cursor: string, executionId: string): StepPlace {
  const [list, id, position, path] = readCursor(cursor)
  const isPlace = typeof position === 'string' && POSITION.test(position) && typeof path === 'string'
  if (list !== LIST || id !== executionId || !isPlace) throw badCursor()
  return { position, path }
}
