import type {
  DefinitionStore,
  NewVersion,
  QuotaGuard,
  QuotaRefusal,
  RevisedWorkflow,
  VersionStore,
  WorkflowRow,
  WorkflowStore,
} from '../db/stores/index.ts'
import type { Diagnostic } from '../engine/definition/index.ts'
import type { DefinitionReader } from '../engine/validate/index.ts'
import type { OwnerId, WorkflowId } from '../lib/index.ts'
import { isStorableText } from '../lib/json/index.ts'
import type { Clock } from '../lib/time/index.ts'
import { completeFields, readDraftInput, type DraftInput, type InvalidField } from './draft-fields.ts'
import { draftHash, workflowRefusal, type RefusedChange } from './drafts.ts'

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
  readonly workflows: Pick<WorkflowStore, 'find'>
  readonly versions: VersionStore
  readonly definitions: DefinitionStore
  readonly reader: DefinitionReader
  readonly clock: Clock
  readonly quotas: QuotaGuard
}

const NOTE_MAX_LENGTH = 2_000

export function createPublishing(options: PublishingOptions): Publishing {
  const { workflows, versions, definitions, reader, clock, quotas } = options

  /** The version that a definition would make, stored so far as it is the same for every workflow. */
  const prepare = async (ownerId: OwnerId, definition: unknown, note: string) => {
    const { document, plan, diagnostics } = await reader(ownerId)(definition)
    if (!document || !plan) return { kind: 'unsound', diagnostics } as const
    const version: NewVersion = { definitionId: await definitions.ensure(ownerId, document), note }
    return { kind: 'sound', version, diagnostics } as const
  }

  /**
   * Looks at a workflow and changes it as it was seen; looks again when somebody changed it in between, unless the caller
   * insists on a revision. Every turn but the last means that another writer got through, so this ends.
   */
  const onSeen = async (
    target: RevisedWorkflow,
    change: (seen: WorkflowRow) => Promise<PublishResult | null>,
  ): Promise<PublishResult> => {
    for (;;) {
      const seen = await workflows.find(target.ownerId, target.id)
      if (!seen) return { kind: 'notFound' }
      if (target.expectedRevision !== null && target.expectedRevision !== seen.revision)
        return { kind: 'conflict', id: target.id, revision: seen.revision }
      if (seen.archivedAt) return { kind: 'archived' }
      const result = await change(seen)
      if (result) return result
    }
  }

  return {
    async publish(target, note) {
      const invalid = noteProblem(note)
      if (invalid) return invalid
      return onSeen(target, async ({ draft, revision, publishedNumber, publishedDefinitionId }) => {
        const prepared = await prepare(target.ownerId, draft, note)
        if (prepared.kind === 'unsound') return prepared
        const { version, diagnostics } = prepared
        const published = { kind: 'published', id: target.id, diagnostics } as const
        if (publishedNumber !== null && publishedDefinitionId === version.definitionId)
          return { ...published, number: publishedNumber, isUnchanged: true }
        const number = await versions.publish({ ...target, revision }, version, new Date(clock.now()))
        return number === null ? null : { ...published, number, isUnchanged: false }
      })
    },
    async create(ownerId, input) {
      const read = await readDraftInput(input)
      if (read.kind === 'invalid') return read
      const fields = completeFields(read.fields)
      const refusal = await workflowRefusal(quotas, ownerId, fields.draft)
      if (refusal) return refusal
      const prepared = await prepare(ownerId, fields.draft, '')
      if (prepared.kind === 'unsound') return prepared
      const { version, diagnostics } = prepared
      const hashed = { ...fields, draftHash: await draftHash(fields.draft) }
      const id = await versions.insertPublished(ownerId, hashed, version, new Date(clock.now()))
      return { kind: 'published', id, number: 1, isUnchanged: false, diagnostics }
    },
    async rollback(target, { number, note }) {
      const invalid = noteProblem(note)
      if (invalid) return invalid
      return onSeen(target, async ({ revision }) => {
        const definition = await versions.definition(target, number)
        if (definition === null) return { kind: 'noSuchVersion' }
        // A block that the old version names may be gone since.
        const { plan, diagnostics } = await reader(target.ownerId)(definition)
        if (!plan) return { kind: 'unsound', diagnostics }
        const restored = await versions.restore(
          { ...target, revision },
          { number, note },
          new Date(clock.now()),
        )
        return (
          restored && {
            kind: 'published',
            id: target.id,
            number: restored.number,
            isUnchanged: !restored.isNew,
            diagnostics,
          }
        )
      })
    },
  }
}

function noteProblem(note: string): InvalidField | null {
  if (note.length <= NOTE_MAX_LENGTH && isStorableText(note)) return null
  const message = `A note has at most ${NOTE_MAX_LENGTH} characters.`
  return { kind: 'invalid', path: ['input', 'note'], message }
}
