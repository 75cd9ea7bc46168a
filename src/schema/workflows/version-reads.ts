import type { GraphQLResolveInfo } from 'graphql'
import type { VersionKey } from '../../db/stores/index.ts'
import type { Json } from '../../lib/json/index.ts'
import { inOrder, type Context } from '../kit/index.ts'

/** What a version holds, asked for together with what other rows ask for; null when there is none of that number. */
export async function definitionOf(
  { batch, versions, ownerId, values }: Context,
  version: VersionKey,
  info: GraphQLResolveInfo,
): Promise<Json | null> {
  const ids = batch('definitions of versions', null, (keys) =>
    versions.definitionIds(ownerId, keys.map(readKey)),
  )
  const id = await ids.load(keyOf(version))
  return id === null ? null : values.parsed('definition', id, info)
}

/** A version by its number, with what a selection asks for; null when there is none. */
export async function versionOf(context: Context, version: VersionKey, query: object) {
  const { batch, versions, ownerId } = context
  const ids = batch('ids of versions', null, (keys) => versions.ids(ownerId, keys.map(readKey)))
  const id = await ids.load(keyOf(version))
  return id === null ? null : versionRows(context, query).load(id)
}

/** Versions by id, with what a selection asks for; null for those that are not there. */
export function versionRows({ batch, prisma, ownerId }: Context, query: object) {
  return batch('versions', query, async (ids) =>
    inOrder(
      ids,
      await prisma.workflowVersion.findMany({ ...query, where: { ownerId, id: { in: [...ids] } } }),
    ),
  )
}

function keyOf({ workflowId, number }: VersionKey): string {
  return `${workflowId} ${number}`
}

function readKey(key: string): VersionKey {
  const [workflowId = '', number] = key.split(' ')
  return { workflowId, number: Number(number) }
}
