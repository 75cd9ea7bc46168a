import type { WorkflowFields } from '../db/workflow-store.ts'
import { isJsonObject, type Json } from '../lib/json.ts'
import { isStorableText, toPlainJson } from '../lib/plain-json.ts'

/** What a front end sends; a name that is left out is taken from the definition, or is "Untitled workflow". */
export interface DraftInput {
  readonly name?: string | null | undefined
  readonly description?: string | null | undefined
  readonly tags?: readonly string[] | null | undefined
  readonly definition?: unknown
}

/** One of the fields cannot be stored at all. */
export interface InvalidField {
  readonly kind: 'invalid'
  readonly path: readonly string[]
  readonly message: string
}

export type DraftReading = { readonly kind: 'ok'; readonly fields: Partial<WorkflowFields> } | InvalidField

export const NAME_MAX_LENGTH = 200
const DESCRIPTION_MAX_LENGTH = 10_000
const TAGS_MAX = 50
const TAG_MAX_LENGTH = 100
const DRAFT_MAX_BYTES = 4 * 1024 * 1024

/** The fields that are given, as they will be stored. */
export function readDraftInput({ name, description, tags, definition }: DraftInput): DraftReading {
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

/** All fields of a new workflow: what was not given is made up. */
export function completeFields(fields: Partial<WorkflowFields>): WorkflowFields {
  const { draft = { nodes: [], edges: [] }, description = '', tags = [] } = fields
  return { name: fields.name ?? nameOf(draft) ?? 'Untitled workflow', description, tags, draft }
}

function nameOf(draft: Json): string | null {
  const name = isJsonObject(draft) ? draft.name : null
  return typeof name === 'string' && name.trim().length > 0 ? name.trim().slice(0, NAME_MAX_LENGTH) : null
}
