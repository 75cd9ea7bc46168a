import { brandWithType } from '@pothos/core'
import { queryFromInfo } from '@pothos/plugin-prisma'
import type { GraphQLResolveInfo } from 'graphql'
import type { GlobalId } from '../../lib/index.ts'
import { inOrder } from './batch.ts'
import type { Context } from './context.ts'
import { rowId, type NodeType } from './global-id.ts'
import { stepsById } from './steps-by-id.ts'

/** What a node is resolved from: a row with the columns and relations that its readers have selected, or a step of a log. */
type Row = object

type ReadRows = (context: Context, ids: readonly string[], query: object) => Promise<readonly (Row | null)[]>

/**
 * The rows of `nodes`, in the order of their global ids; null for each that does not exist or has another owner. All rows of a type
 * are read by one query, those of other aliases with the same selection included. Prisma's plugin would prepare one query per id.
 */
export function nodeRows(
  ids: readonly GlobalId[],
  context: Context,
  info: GraphQLResolveInfo,
): Promise<readonly (Row | null)[]> {
  const loaders = new Map<string, ReturnType<typeof loaderOf>>()
  return Promise.all(
    ids.map(async ({ typename, id }) => {
      if (!isNodeType(typename)) return null
      const loader = loaders.get(typename) ?? loaderOf(typename, context, info)
      loaders.set(typename, loader)
      const row = await loader.load(id)
      brandWithType(row, typename as never)
      return row
    }),
  )
}

function loaderOf(typename: NodeType, context: Context, info: GraphQLResolveInfo) {
  // Steps are no rows that Prisma reads.
  const query = typename === 'Step' ? {} : queryFromInfo({ context, info, typeName: typename })
  return context.batch(`nodes of type ${typename}`, query, (keys) => READS[typename](context, keys, query))
}

function isNodeType(typename: string): typename is NodeType {
  return Object.hasOwn(READS, typename)
}

const READS: { readonly [T in NodeType]: ReadRows } = {
  Workflow: byId(({ prisma, ownerId }, id, query) =>
    prisma.workflow.findMany({ ...query, where: { ownerId, id, deletedAt: null } }),
  ),
  WorkflowVersion: byId(({ prisma, ownerId }, id, query) =>
    prisma.workflowVersion.findMany({ ...query, where: { ownerId, id, workflow: { deletedAt: null } } }),
  ),
  Execution: byId(({ prisma, ownerId }, id, query) =>
    prisma.execution.findMany({ ...query, where: { ownerId, id } }),
  ),
  Job: byId(({ prisma, ownerId }, id, query) => prisma.job.findMany({ ...query, where: { ownerId, id } })),
  Schedule: byId(({ prisma, ownerId }, id, query) =>
    prisma.schedule.findMany({ ...query, where: { ownerId, id, deletedAt: null } }),
  ),
  ApiKey: byId(({ prisma, ownerId }, id, query) =>
    prisma.apiKey.findMany({ ...query, where: { ownerId, id } }),
  ),
  Step: (context, ids) => Promise.all(ids.map((id) => stepsById(context).load(id))),
}

/** Reads rows whose key is one column. */
function byId(
  read: (
    context: Context,
    id: { readonly in: string[] },
    query: object,
  ) => Promise<readonly (Row & { readonly id: string })[]>,
): ReadRows {
  return async (context, ids, query) => {
    const keys = ids.map(rowId)
    return inOrder(keys, await read(context, { in: keys }, query))
  }
}
