import type {
  QuotaGuard,
  QuotaRefusal,
  RevisedWorkflow,
  WorkflowKey,
  WorkflowStore,
} from '../db/stores/index.ts'
import type { Diagnostic } from '../engine/definition/index.ts'
import type { DefinitionReader } from '../engine/validate/index.ts'
import { withPauses } from '../lib/turns/index.ts'
import type { OwnerId, WorkflowId } from '../lib/index.ts'
import { canonicalHashPieces, type Json } from '../lib/json/index.ts'
import type { Clock } from '../lib/time/index.ts'
import {
  completeFields,
  measureInput,
  NAME_MAX_LENGTH,
  readInput,
  type DraftInput,
  type InvalidField,
  type ReadDraft,
  type ReadFields,
} from './draft-fields.ts'
import { DraftTurns } from './draft-turns.ts'

/** A draft may be saved in any state: diagnostics are reported and prevent nothing. */
export type SaveResult =
  | {
      readonly kind: 'saved'
      readonly id: WorkflowId
      readonly revision: number
      /** Validates what is saved. Large definitions of one owner follow each other. */
      diagnostics(): Promise<readonly Diagnostic[]>
    }
  | InvalidField
  | RefusedChange
  | QuotaRefusal

export type DeleteResult = { readonly kind: 'deleted' } | RefusedChange
export type ArchiveResult = { readonly kind: 'archived' } | RefusedChange

/** Why a workflow stays as it was. */
export type RefusedChange =
  | { readonly kind: 'notFound' }
  /** The workflow has another revision than the expected one. */
  | { readonly kind: 'conflict'; readonly id: WorkflowId; readonly revision: number }

export interface Drafts {
  create(ownerId: OwnerId, input: DraftInput): Promise<SaveResult>
  /**
   * Where everything that is sent is stored already, nothing is written and any revision may be expected: a save whose
   * answer was lost can be sent again.
   */
  update(target: RevisedWorkflow, input: DraftInput): Promise<SaveResult>
  /** Stores a new workflow with the draft, description and tags of another; its versions and executions are not copied. */
  duplicate(source: WorkflowKey, input: { readonly name: string | null }): Promise<SaveResult>
  /** Validates a stored draft; null when there is no such workflow. Rejects with `OwnerBusyError`. */
  validate(workflow: WorkflowKey): Promise<readonly Diagnostic[] | null>
  /** An archived workflow keeps its executions; it cannot be executed or published until its archiving is undone. */
  archive(target: RevisedWorkflow, archived: boolean): Promise<ArchiveResult>
  delete(target: RevisedWorkflow): Promise<DeleteResult>
}

export interface DraftsOptions {
  readonly workflows: WorkflowStore
  readonly reader: DefinitionReader
  readonly clock: Clock
  readonly quotas: QuotaGuard
  /** The turns in which large drafts are saved and published. Default: turns for these drafts alone. */
  readonly turns?: DraftTurns
}

/** The hash by which a draft is compared with published definitions. Computes it in pieces with pauses between them. */
export function draftHash(draft: Json): Promise<string> {
  return withPauses(canonicalHashPieces(draft))
}

/** Why an owner may not store one more workflow with a draft of this many bytes; null where nothing prevents it. */
export async function workflowRefusal(
  quotas: QuotaGuard,
  ownerId: OwnerId,
  draftBytes: number,
): Promise<QuotaRefusal | null> {
  return (await quotas.refusalOf(ownerId, 'WORKFLOWS')) ?? (await quotas.refusalOfBytes(ownerId, draftBytes))
}

/** Stores and changes drafts; `revision` grows with every change, and only then. */
export function createDrafts(options: DraftsOptions): Drafts {
  const { workflows, reader, clock, quotas, turns = new DraftTurns() } = options
  const now = () => new Date(clock.now())
  const whyNot = async (target: RevisedWorkflow): Promise<RefusedChange> => {
    const current = await workflows.find(target)
    return current ? { kind: 'conflict', id: target.id, revision: current.revision } : { kind: 'notFound' }
  }
  const validate = async (
    workflow: WorkflowKey & { readonly draftBytes: number },
    isRefusable: boolean,
  ): Promise<readonly Diagnostic[] | null> =>
    turns.run(workflow.ownerId, { bytes: workflow.draftBytes, values: 0 }, async (turn) => {
      const draft = await turn.outside(workflows.draft({ ...workflow, expectedRevision: null }))
      if (draft === undefined) return null
      const { diagnostics } = await turn.outside(reader(workflow.ownerId, { isRefusable })(draft))
      return diagnostics
    })
  /** What is saved has been accepted: its validation waits as long as it must. */
  const saved = (
    { ownerId, id, revision }: WorkflowKey & { readonly revision: number },
    draft: ReadDraft | { readonly draftBytes: number },
  ): SaveResult => ({
    kind: 'saved',
    id,
    revision,
    async diagnostics() {
      if ('draftBytes' in draft) return (await validate({ ownerId, id, ...draft }, false)) ?? []
      const { diagnostics } = await reader(ownerId, { isRefusable: false })(draft.value, draft)
      return diagnostics
    },
  })
  return {
    async create(ownerId, input) {
      const measured = await measureInput(input)
      if (measured.kind === 'invalid') return measured
      return turns.run(ownerId, measured.size, async (turn): Promise<SaveResult> => {
        const read = await readInput(measured, turn)
        if (read.kind === 'invalid') return read
        const fields = completeFields(read.fields)
        const refusal = await turn.outside(workflowRefusal(quotas, ownerId, fields.draft.bytes))
        if (refusal) return refusal
        const id = await turn.outside(workflows.insert(ownerId, fields, now()))
        return saved({ ownerId, id, revision: 1 }, fields.draft)
      })
    },
    async update(target, input) {
      const measured = await measureInput(input)
      if (measured.kind === 'invalid') return measured
      return turns.run(target.ownerId, measured.size, async (turn): Promise<SaveResult> => {
        const read = await readInput(measured, turn)
        return read.kind === 'invalid' ? read : turn.outside(store(target, read.fields))
      })
    },
    async duplicate(source, { name }) {
      const measured = await measureInput({ name })
      if (measured.kind === 'invalid') return measured
      const { ownerId } = source
      const found = await workflows.find(source)
      if (!found) return { kind: 'notFound' }
      const { draftBytes } = found
      const refusal = await workflowRefusal(quotas, ownerId, draftBytes)
      if (refusal) return refusal
      const id = await workflows.copy(source, { name: measured.fields.name ?? copyOf(found.name), at: now() })
      return id === null ? { kind: 'notFound' } : saved({ ownerId, id, revision: 1 }, { draftBytes })
    },
    async validate(workflow) {
      const found = await workflows.find(workflow)
      return found && validate({ ...workflow, draftBytes: found.draftBytes }, true)
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

  /** Stores the changes of a workflow, unless all of them are stored already. */
  async function store(target: RevisedWorkflow, changes: Partial<ReadFields>): Promise<SaveResult> {
    const { draft } = changes
    const current = await workflows.compare(target, changes)
    if (current?.isStored) return saved({ ...target, ...current }, draft ?? current)
    // A draft that becomes shorter may always be saved.
    const added = draft ? Math.max(0, draft.bytes - (current?.draftBytes ?? 0)) : 0
    const refusal = draft ? await quotas.refusalOfBytes(target.ownerId, added) : null
    if (refusal) return refusal
    const revision = await workflows.update(target, changes, now())
    if (revision !== null)
      return saved({ ...target, revision }, draft ?? { draftBytes: current?.draftBytes ?? 0 })
    // The same save, sent twice, may have been on its way at once.
    const newer = await workflows.compare(target, changes)
    if (!newer) return { kind: 'notFound' }
    return newer.isStored
      ? saved({ ...target, ...newer }, draft ?? newer)
      : { kind: 'conflict', id: target.id, revision: newer.revision }
  }
}

function copyOf(name: string): string {
  return `Copy of ${name}`.slice(0, NAME_MAX_LENGTH)
}
