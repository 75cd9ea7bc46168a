import type { RevisedWorkflow, WorkflowFields, WorkflowRow, WorkflowStore } from '../db/workflow-store.ts'
import type { Diagnostic } from '../engine/diagnostics.ts'
import type { PlanCache } from '../engine/plan-cache.ts'
import type { Clock } from '../lib/clock.ts'
import type { OwnerId } from '../lib/ids.ts'
import { isJsonObject, type Json } from '../lib/json.ts'
import { isStorableText, toPlainJson } from '../lib/plain-json.ts'

/** A draft may be saved in any state; what is wrong with it is told, not refused. */
export type SaveResult =
  | { readonly kind: 'saved'; readonly workflow: WorkflowRow; readonly diagnostics: readonly Diagnostic[] }
  /** One of the fields cannot be stored at all. */
  | { readonly kind: 'invalid'; readonly path: readonly string[]; readonly message: string }
  | { readonly kind: 'notFound' }
  /** Somebody else has saved since the expected revision. */
  | { readonly kind: 'conflict'; readonly revision: number }

export type DeleteResult =
  | { readonly kind: 'deleted' }
  | { readonly kind: 'notFound' }
  | { readonly kind: 'conflict'; readonly revision: number }

/** What a front end sends; a name that is left out is taken from the definition, or is "Untitled workflow". */
export interface DraftInput {
  readonly name?: string | null | undefined
  readonly description?: string | null | undefined
  readonly tags?: readonly string[] | null | undefined
  readonly definition?: unknown
}

export interface Drafts {
  create(ownerId: OwnerId, input: DraftInput): Promise<SaveResult>
  update(target: RevisedWorkflow, input: DraftInput): Promise<SaveResult>
  delete(target: RevisedWorkflow): Promise<DeleteResult>
  diagnose(definition: unknown): readonly Diagnostic[]
}

export interface DraftsOptions {
  readonly workflows: WorkflowStore
  readonly plans: PlanCache
  readonly clock: Clock
}

const NAME_MAX_LENGTH = 200
const DESCRIPTION_MAX_LENGTH = 10_000
const TAGS_MAX = 50
const TAG_MAX_LENGTH = 100
const DRAFT_MAX_BYTES = 4 * 1024 * 1024

/** Stores and changes drafts; `revision` grows with every change. */
export function createDrafts({ workflows, plans, clock }: DraftsOptions): Drafts {
  const now = () => new Date(clock.now())
  const whyNot = async ({ ownerId, id }: RevisedWorkflow) => {
    const current = await workflows.find(ownerId, id)
    return current
      ? ({ kind: 'conflict', revision: current.revision } as const)
      : ({ kind: 'notFound' } as const)
  }
  const saved = (workflow: WorkflowRow): SaveResult => ({
    kind: 'saved',
    workflow,
    diagnostics: plans.read(workflow.draft).diagnostics,
  })
  return {
    async create(ownerId, input) {
      const read = readInput(input)
      if (read.kind === 'invalid') return read
      const { draft = { nodes: [], edges: [] }, description = '', tags = [] } = read.fields
      const name = read.fields.name ?? nameOf(draft) ?? 'Untitled workflow'
      return saved(await workflows.insert(ownerId, { name, description, tags, draft }, now()))
    },
    async update(target, input) {
      const read = readInput(input)
      if (read.kind === 'invalid') return read
      const workflow = await workflows.update(target, read.fields, now())
      return workflow ? saved(workflow) : whyNot(target)
    },
    async delete(target) {
      return (await workflows.delete(target, now())) ? { kind: 'deleted' } : whyNot(target)
    },
    diagnose: (definition) => plans.read(definition).diagnostics,
  }
}

type Reading =
  | { readonly kind: 'ok'; readonly fields: Partial<WorkflowFields> }
  | Extract<SaveResult, { kind: 'invalid' }>

function readInput({ name, description, tags, definition }: DraftInput): Reading {
  const invalid = (field: string, message: string) =>
    ({ kind: 'invalid', path: ['input', field], message }) as const
  if (name != null && (name.trim().length === 0 || name.length > NAME_MAX_LENGTH || !isStorableText(name))) {
    return invalid('name', `A name has 1 to ${NAME_MAX_LENGTH} characters.`)
  }
  if (description != null && (description.length > DESCRIPTION_MAX_LENGTH || !isStorableText(description))) {
    return invalid('description', `A description has at most ${DESCRIPTION_MAX_LENGTH} characters.`)
  }
  if (
    tags &&
    (tags.length > TAGS_MAX ||
      tags.some((tag) => tag.length === 0 || tag.length > TAG_MAX_LENGTH || !isStorableText(tag)))
  ) {
    return invalid('tags', `There are at most ${TAGS_MAX} tags of 1 to ${TAG_MAX_LENGTH} characters.`)
  }
  const fields = {
    ...(name == null ? {} : { name: name.trim() }),
    ...(description == null ? {} : { description }),
    ...(tags ? { tags: [...new Set(tags)] } : {}),
  }
  if (definition == null) return { kind: 'ok', fields }
  const plain = toPlainJson(definition)
  if (!plain.ok)
    return invalid('definition', `The value at "${plain.problem.pointer}" ${plain.problem.reason}.`)
  if (!isJsonObject(plain.value))
    return invalid('definition', 'A definition is a JSON object with `nodes` and `edges`.')
  if (Buffer.byteLength(plain.text) > DRAFT_MAX_BYTES) {
    return invalid('definition', `A definition has at most ${DRAFT_MAX_BYTES} bytes.`)
  }
  return { kind: 'ok', fields: { ...fields, draft: plain.value } }
}

function nameOf(draft: Json): string | null {
  const name = isJsonObject(draft) ? draft.name : null
  return typeof name === 'string' && name.trim().length > 0 ? name.trim().slice(0, NAME_MAX_LENGTH) : null
}
