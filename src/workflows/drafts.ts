import type {
  HashedFields,
  QuotaGuard,
  QuotaRefusal,
  RevisedWorkflow,
  WorkflowFields,
  WorkflowRow,
  WorkflowStore,
} from '../db/stores/index.ts'
import type { Diagnostic } from '../engine/definition/index.ts'
import type { DefinitionReader } from '../engine/validate/index.ts'
import { withPauses } from '../lib/async/index.ts'
import type { OwnerId, WorkflowId } from '../lib/index.ts'
import { canonicalHashPieces, type Json } from '../lib/json/index.ts'
import type { Clock } from '../lib/time/index.ts'
import {
  completeFields,
  NAME_MAX_LENGTH,
  readDraftInput,
  type DraftInput,
  type InvalidField,
} from './draft-fields.ts'

/** A draft may be saved in any state; what is wrong with it is told, not refused. */
export type SaveResult =
  | { readonly kind: 'saved'; readonly workflow: WorkflowRow; readonly diagnostics: readonly Diagnostic[] }
  | InvalidField
  | RefusedChange
  | QuotaRefusal

export type DeleteResult = { readonly kind: 'deleted' } | RefusedChange
export type ArchiveResult = { readonly kind: 'archived' } | RefusedChange

/** Why a workflow stays as it was. */
export type RefusedChange =
  | { readonly kind: 'notFound' }
  /** Somebody else has saved since the expected revision. */
  | { readonly kind: 'conflict'; readonly id: WorkflowId; readonly revision: number }

export interface Drafts {
  create(ownerId: OwnerId, input: DraftInput): Promise<SaveResult>
  /**
   * Where everything that is sent stands there already nothing is written, and no revision is expected: a save whose answer
   * was lost may be sent again.
   */
  update(target: RevisedWorkflow, input: DraftInput): Promise<SaveResult>
  /** A new workflow with the draft, description and tags of another; its versions and executions stay where they are. */
  duplicate(
    source: { readonly ownerId: OwnerId; readonly id: WorkflowId },
    input: { readonly name: string | null },
  ): Promise<SaveResult>
  /** An archived workflow keeps its executions; it cannot be executed or published until it is taken out again. */
  archive(target: RevisedWorkflow, archived: boolean): Promise<ArchiveResult>
  delete(target: RevisedWorkflow): Promise<DeleteResult>
}

export interface DraftsOptions {
  readonly workflows: WorkflowStore
  readonly reader: DefinitionReader
  readonly clock: Clock
  readonly quotas: QuotaGuard
}

async function withHash(fields: WorkflowFields): Promise<HashedFields> {
  return { ...fields, draftHash: await draftHash(fields.draft) }
}

async function withHashOfAny(changes: Partial<WorkflowFields>): Promise<Partial<HashedFields>> {
  const { draft } = changes
  return draft === undefined ? changes : { ...changes, draftHash: await draftHash(draft) }
}

/** The hash by which a draft is compared with published definitions. Others get the thread meanwhile. */
export function draftHash(draft: Json): Promise<string> {
  return withPauses(canonicalHashPieces(draft))
}

/** Why an owner may not store one more workflow; null where nothing prevents it. */
export async function workflowRefusal(
  quotas: QuotaGuard,
  ownerId: OwnerId,
  draft: unknown,
): Promise<QuotaRefusal | null> {
  return (
    (await quotas.refusalOf(ownerId, 'WORKFLOWS')) ?? (await quotas.refusalOfBytes(ownerId, lengthOf(draft)))
  )
}

function lengthOf(draft: unknown): number {
  return JSON.stringify(draft)?.length ?? 0
}

/** Stores and changes drafts; `revision` grows with every change, and only then. */
export function createDrafts({ workflows, reader, clock, quotas }: DraftsOptions): Drafts {
  const now = () => new Date(clock.now())
  const refused = ({ id }: RevisedWorkflow, current: WorkflowRow | null): RefusedChange =>
    current ? { kind: 'conflict', id, revision: current.revision } : { kind: 'notFound' }
  const whyNot = async (target: RevisedWorkflow) =>
    refused(target, await workflows.find(target.ownerId, target.id))
  const saved = async (ownerId: OwnerId, workflow: WorkflowRow): Promise<SaveResult> => {
    const { diagnostics } = await reader(ownerId)(workflow.draft)
    return { kind: 'saved', workflow, diagnostics }
  }
  return {
    async create(ownerId, input) {
      const read = await readDraftInput(input)
      if (read.kind === 'invalid') return read
      const fields = completeFields(read.fields)
      const refusal = await workflowRefusal(quotas, ownerId, fields.draft)
      return refusal ?? saved(ownerId, await workflows.insert(ownerId, await withHash(fields), now()))
    },
    async update(target, input) {
      const read = await readDraftInput(input)
      if (read.kind === 'invalid') return read
      const { ownerId, id } = target
      const current = await workflows.find(ownerId, id)
      if (current && holds(current, read.fields)) return saved(ownerId, current)
      const { draft } = read.fields
      const refusal =
        draft === undefined ? null : await quotas.refusalOfBytes(ownerId, addedBytes(draft, current))
      if (refusal) return refusal
      const workflow = await workflows.update(target, await withHashOfAny(read.fields), now())
      if (workflow) return saved(ownerId, workflow)
      // The same save, sent twice, may have been on its way at once.
      const newer = await workflows.find(ownerId, id)
      return newer && holds(newer, read.fields) ? saved(ownerId, newer) : refused(target, newer)
    },
    async duplicate({ ownerId, id }, { name }) {
      const read = await readDraftInput({ name })
      if (read.kind === 'invalid') return read
      const source = await workflows.find(ownerId, id)
      if (!source) return { kind: 'notFound' }
      const { description, tags, draft } = source
      const copy = { name: read.fields.name ?? copyOf(source.name), description, tags, draft: draft as Json }
      const refusal = await workflowRefusal(quotas, ownerId, draft)
      return refusal ?? saved(ownerId, await workflows.insert(ownerId, await withHash(copy), now()))
    },
    async archive(target, archived) {
      return (await workflows.archive(target, { archived, at: now() }))
        ? { kind: 'archived' }
        : whyNot(target)
    },
    async delete(target) {
      return (await workflows.delete(target, now())) ? { kind: 'deleted' } : whyNot(target)
    },
  }
}

/** A draft that becomes shorter may always be saved. */
function addedBytes(draft: Json, current: WorkflowRow | null): number {
  return Math.max(0, lengthOf(draft) - lengthOf(current?.draft))
}

/** Whether all of this is stored already, to the order of a draft's members, which is kept. */
function holds(row: WorkflowRow, fields: Partial<WorkflowFields>): boolean {
  return Object.entries(fields).every(
    ([name, value]) => JSON.stringify(row[name as keyof WorkflowFields]) === JSON.stringify(value),
  )
}

function copyOf(name: string): string {
  return `Copy of ${name}`.slice(0, NAME_MAX_LENGTH)
}
