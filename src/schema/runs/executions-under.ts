import { queryFromInfo } from '@pothos/plugin-prisma'
import type { GraphQLResolveInfo } from 'graphql'
import type { RunParent } from '../../db/lists/index.ts'
import { inOrder, present, type Context } from '../kit/index.ts'
import { keysetConnection, type PageArguments } from '../pages/index.ts'

/** What executions come under: a workflow for one. */
export interface ExecutionParent {
  readonly kind: RunParent
  readonly id: string
}

/** A page of the executions under a row, asked for together with those of the other rows of its list. */
export function executionsUnder(
  { kind, id }: ExecutionParent,
  args: PageArguments,
  { context, info, isDescending }: { context: Context; info: GraphQLResolveInfo; isDescending: boolean },
) {
  const { batch, runList, ownerId } = context
  const rows = executionRows(context, queryFromInfo({ context, info, path: ['edges', 'node'] }))
  return keysetConnection({
    args,
    order: { name: 'CREATED_AT', type: 'timestamptz' },
    isDescending,
    positions: (page) =>
      batch(`executions of ${kind}`, page, (ids) => runList.pagesOf(ownerId, { kind, ids }, page)).load(id),
    rows: (ids) => rows.loadMany(ids).then(present),
    count: () => countUnder(context, { kind, id }),
  })
}

/** How many executions there are under a row. */
export function countUnder(
  { batch, runList, ownerId }: Context,
  { kind, id }: ExecutionParent,
): Promise<number> {
  return batch(`count of ${kind}`, null, (ids) => runList.countsOf(ownerId, { kind, ids })).load(id)
}

const NEWEST = { limit: 1, beyond: null, direction: 'forward', isDescending: true } as const

/** The newest execution under a row; null when there is none. */
export async function newestUnder(context: Context, { kind, id }: ExecutionParent, query: object) {
  const { batch, runList, ownerId } = context
  const [newest] = await batch(`executions of ${kind}`, NEWEST, (ids) =>
    runList.pagesOf(ownerId, { kind, ids }, NEWEST),
  ).load(id)
  return newest ? executionRows(context, query).load(newest.id) : null
}

/** Executions by id, with what a selection asks for; null for those that are not there. */
export function executionRows({ batch, prisma, ownerId }: Context, query: object) {
  return batch('executions', query, async (ids) =>
    inOrder(ids, await prisma.execution.findMany({ ...query, where: { ownerId, id: { in: [...ids] } } })),
  )
}
