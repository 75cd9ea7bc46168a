import { newId, type OwnerId, type WorkflowId } from '../../lib/index.ts'
import type { Json } from '../../lib/json/index.ts'
import type { Prisma, PrismaClient } from '../index.ts'

export interface WorkflowRow {
  readonly id: string
  readonly ownerId: string
  readonly name: string
  readonly description: string
  readonly tags: readonly string[]
  readonly draft: unknown
  /** The hash of the draft, as that of a definition; null: it is not computed yet. */
  readonly draftHash: string | null
  readonly revision: number
  /** The number of its newest version, and what that holds; null until one is published. */
  readonly publishedNumber: number | null
  readonly publishedDefinitionId: string | null
  readonly createdAt: Date
  readonly updatedAt: Date
  readonly archivedAt: Date | null
}

export interface WorkflowFields {
  readonly name: string
  readonly description: string
  readonly tags: readonly string[]
  readonly draft: Json
}

/** Fields to store; with a draft comes its hash, as that of a definition. */
export type HashedFields = WorkflowFields & { readonly draftHash: string }

export interface WorkflowStore {
  insert(ownerId: OwnerId, fields: HashedFields, at: Date): Promise<WorkflowRow>
  find(ownerId: OwnerId, id: WorkflowId): Promise<WorkflowRow | null>
  /** Null when the workflow is gone or, where a revision is expected, has another one by now. */
  update(target: RevisedWorkflow, changes: Partial<HashedFields>, at: Date): Promise<WorkflowRow | null>
  /** Puts it into the archive or takes it out; nothing changes when it stands there already. False when it is gone. */
  archive(
    target: RevisedWorkflow,
    change: { readonly archived: boolean; readonly at: Date },
  ): Promise<boolean>
  /** Marks it deleted, so that executions keep what they point to; false when it was gone. */
  delete(target: RevisedWorkflow, at: Date): Promise<boolean>
}

export interface RevisedWorkflow {
  readonly ownerId: OwnerId
  readonly id: WorkflowId
  readonly expectedRevision: number | null
}

export function createWorkflowStore(prisma: PrismaClient): WorkflowStore {
  const where = ({ ownerId, id, expectedRevision }: RevisedWorkflow) => ({
    id,
    ownerId,
    deletedAt: null,
    ...(expectedRevision === null ? {} : { revision: expectedRevision }),
  })
  return {
    insert: (ownerId, { draft, tags, ...fields }, at) =>
      prisma.workflow.create({
        data: {
          id: newId<WorkflowId>(),
          ownerId,
          ...fields,
          tags: [...tags],
          draft: draftOf(draft),
          createdAt: at,
          updatedAt: at,
        },
      }),
    find: (ownerId, id) => prisma.workflow.findFirst({ where: { id, ownerId, deletedAt: null } }),
    async update(target, { draft, tags, ...fields }, at) {
      const [row] = await prisma.workflow.updateManyAndReturn({
        where: where(target),
        data: {
          ...fields,
          ...(tags ? { tags: [...tags] } : {}),
          ...(draft === undefined ? {} : { draft: draftOf(draft) }),
          revision: { increment: 1 },
          updatedAt: at,
        },
      })
      return row ?? null
    },
    async archive(target, { archived, at }) {
      const { count } = await prisma.workflow.updateMany({
        where: { ...where(target), archivedAt: archived ? null : { not: null } },
        data: { archivedAt: archived ? at : null, updatedAt: at },
      })
      return count === 1 || (await prisma.workflow.count({ where: where(target) })) === 1
    },
    async delete(target, at) {
      const { count } = await prisma.workflow.updateMany({ where: where(target), data: { deletedAt: at } })
      return count === 1
    },
  }
}

/** Prisma's own JSON type leaves out readonly lists; the value is the same. */
function draftOf(draft: Json): Prisma.InputJsonValue {
  return draft as Prisma.InputJsonValue
}
