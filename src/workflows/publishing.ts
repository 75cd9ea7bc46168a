import type {
  DefinitionStore,
  NewVersion,
  QuotaGuard,
  QuotaRefusal,
  RevisedWorkflow,
  VersionStore,
  WorkflowKey,
  WorkflowRow,
  WorkflowStore,
} from '../db/stores/index.ts'
import type { Diagnostic } from '../engine/definition/index.ts'
import type { DefinitionReader } from '../engine/validate/index.ts'
import type { OwnerId, WorkflowId } from '../lib/index.ts'
import { isStorableText } from '../lib/json/index.ts'
import type { Clock } from '../lib/time/index.ts'
import {
  completeFields,
  measureInput,
  readInput,
  type DraftInput,
  type InvalidField,
  type ReadDraft,
  type ReadFields,
} from './draft-fields.ts'
import { DraftTurns } from './draft-turns.ts'
import { workflowRefusal, type RefusedChange } from './drafts.ts'

export type PublishResult =
  | {
      readonly kind: 'published'
      readonly id: WorkflowId
      /** The number of the newest version. */
      readonly number: number
      /** True when the newest version held this definition already, so that there is no other. */
      readonly isUnchanged: boolean
      /** The warnings of what was published. */
      readonly diagnostics: readonly Diagnostic[]
    }
  | InvalidField
  | UnsoundDefinition
  | RefusedPublication
  | QuotaRefusal

export interface UnsoundDefinition {
  readonly kind: 'unsound'
  readonly diagnostics: readonly Diagnostic[]
}

type RefusedPublication = RefusedChange | { readonly kind: 'archived' } | { readonly kind: 'noSuchVersion' }

/** Turns drafts into versions, which never change. */
export interface Publishing {
  /** Publishes the draft as the next version. */
  publish(target: RevisedWorkflow, note: string): Promise<PublishResult>
  /** Stores a new workflow and publishes it in one statement, or does neither. */
  create(ownerId: OwnerId, input: DraftInput): Promise<PublishResult>
  /** Makes the next version equal to an old one, and the draft, too. */
  rollback(
    target: RevisedWorkflow,
    version: { readonly number: number; readonly note: string },
  ): Promise<PublishResult>
}

export interface PublishingOptions {
  readonly workflows: Pick<WorkflowStore, 'find' | 'draft'>
  readonly versions: VersionStore
  readonly definitions: DefinitionStore
  readonly reader: DefinitionReader
  readonly clock: Clock
  readonly quotas: QuotaGuard
  /** The turns in which large drafts are saved and published. Default: turns for these publications alone. */
  readonly turns?: DraftTurns
}

const NOTE_MAX_LENGTH = 2_000

export function createPublishing(options: PublishingOptions): Publishing {
  const { workflows, versions, definitions, reader, clock, quotas, turns = new DraftTurns() } = options
  const now = () => new Date(clock.now())

  /** The version that a definition would make, with its definition stored. */
  const prepare = async (
    ownerId: OwnerId,
    definition: { readonly value: unknown; readonly read: ReadDraft | null; readonly note: string },
  ) => {
    const { value, read, note } = definition
    const { document, plan, diagnostics } = await reader(ownerId)(value, read)
    if (!document || !plan) return { kind: 'unsound', diagnostics } as const
    const written = read === null ? document : { ...document, text: read.text }
    const version: NewVersion = { definitionId: await definitions.ensure(ownerId, written), note }
    return { kind: 'sound', version, diagnostics } as const
  }

  /**
   * Looks at a workflow and changes it as it was seen; looks again when it was changed in between, unless the caller
   * insists on a revision. Every round but the last means that another writer has succeeded, so this ends.
   */
  const onSeen = async (
    target: RevisedWorkflow,
    change: (seen: SeenRow) => Promise<PublishResult | null>,
  ): Promise<PublishResult> => {
    for (;;) {
      const seen = await workflows.find(target)
      if (!seen) return { kind: 'notFound' }
      if (target.expectedRevision !== null && target.expectedRevision !== seen.revision)
        return { kind: 'conflict', id: target.id, revision: seen.revision }
      if (seen.archivedAt) return { kind: 'archived' }
      const result = await change({ ...seen, ...target, expectedRevision: seen.revision })
      if (result) return result
    }
  }

  const publishSeen = async (seen: SeenRow, note: string): Promise<PublishResult | null> => {
    const { ownerId, id, publishedNumber, publishedDefinitionId } = seen
    const draft = await workflows.draft(seen)
    if (draft === undefined) return null
    const prepared = await prepare(ownerId, { value: draft, read: null, note })
    if (prepared.kind === 'unsound') return prepared
    const { version, diagnostics } = prepared
    const published = { kind: 'published', id, diagnostics } as const
    if (publishedNumber !== null && publishedDefinitionId === version.definitionId)
      return { ...published, number: publishedNumber, isUnchanged: true }
    const number = await versions.publish(seen, version, now())
    return number === null ? null : { ...published, number, isUnchanged: false }
  }

  const restoreSeen = async (
    seen: SeenRow,
    { number, note }: { readonly number: number; readonly note: string },
  ): Promise<PublishResult | null> => {
    const { ownerId, id } = seen
    const definition = await versions.definition(seen, number)
    if (definition === null) return { kind: 'noSuchVersion' }
    // A block of the old version may no longer exist.
    const { plan, diagnostics } = await reader(ownerId)(definition)
    if (!plan) return { kind: 'unsound', diagnostics }
    const restored = await versions.restore(seen, { number, note }, now())
    return (
      restored && {
        kind: 'published',
        id,
        number: restored.number,
        isUnchanged: !restored.isNew,
        diagnostics,
      }
    )
  }

  return {
    async publish(target, note) {
      const invalid = noteProblem(note)
      if (invalid) return invalid
      return onSeen(target, (seen) =>
        turns.run(target.ownerId, { bytes: seen.draftBytes, values: 0 }, (turn) =>
          turn.outside(publishSeen(seen, note)),
        ),
      )
    },
    async create(ownerId, input) {
      const measured = await measureInput(input)
      if (measured.kind === 'invalid') return measured
      return turns.run(ownerId, measured.size, async (turn): Promise<PublishResult> => {
        const read = await readInput(measured, turn)
        if (read.kind === 'invalid') return read
        return turn.outside(createPublished(ownerId, completeFields(read.fields)))
      })
    },
    async rollback(target, version) {
      const invalid = noteProblem(version.note)
      if (invalid) return invalid
      return onSeen(target, (seen) =>
        turns.run(target.ownerId, ANY_SIZE, (turn) => turn.outside(restoreSeen(seen, version))),
      )
    },
  }

  async function createPublished(ownerId: OwnerId, fields: ReadFields): Promise<PublishResult> {
    const refusal = await workflowRefusal(quotas, ownerId, fields.draft.bytes)
    if (refusal) return refusal
    const { draft } = fields
    const prepared = await prepare(ownerId, { value: draft.value, read: draft, note: '' })
    if (prepared.kind === 'unsound') return prepared
    const { version, diagnostics } = prepared
    const id = await versions.insertPublished(ownerId, fields, version, now())
    return { kind: 'published', id, number: 1, isUnchanged: false, diagnostics }
  }
}

/** Versions are not measured before they are read. */
const ANY_SIZE = { bytes: Number.POSITIVE_INFINITY, values: 0 }

/** A workflow at the revision that was seen. */
type SeenRow = WorkflowRow & WorkflowKey & { readonly expectedRevision: number }

function noteProblem(note: string): InvalidField | null {
  if (note.length <= NOTE_MAX_LENGTH && isStorableText(note)) return null
  const message = `A note has at most ${NOTE_MAX_LENGTH} characters.`
  return { kind: 'invalid', path: ['input', 'note'], message }
}
