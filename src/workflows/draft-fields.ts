import type { WorkflowFields } from '../db/stores/index.ts'
import { DEFINITION_MAX_BYTES } from '../engine/definition/index.ts'
import { measureDefinition } from '../engine/validate/index.ts'
import { withPauses, type Pieces } from '../lib/async/index.ts'
import { isJsonObject, isStorableText, plainJsonPieces, type Json } from '../lib/json/index.ts'
import { shorten } from '../lib/text/index.ts'

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
/** A draft may be wrong: how many nodes it may have is for its validation to say. */
const ANY_NODES = { blocks: { get: () => undefined }, maxNodes: Number.POSITIVE_INFINITY }

/** Reads the fields that are given as they will be stored, and lets others have the thread meanwhile. */
export async function readDraftInput({
  name,
  description,
  tags,
  definition,
}: DraftInput): Promise<DraftReading> {
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
  const read = await withPauses(draftPieces(definition))
  return 'message' in read ? read : { kind: 'ok', fields: { ...fields, draft: read.draft } }
}

const MAX_POINTER = 200

function* draftPieces(definition: unknown): Pieces<InvalidField | { readonly draft: Json }> {
  const { excess } = yield* measureDefinition(definition, ANY_NODES)
  if (excess) return invalid('definition', excess.message)
  const plain = yield* plainJsonPieces(definition)
  if (!plain.ok) {
    const { pointer, reason } = plain.problem
    return invalid('definition', `The value at "${shorten(pointer, MAX_POINTER)}" ${reason}.`)
  }
  if (!isJsonObject(plain.value))
    return invalid('definition', 'A definition is a JSON object with `nodes` and `edges`.')
  if (Buffer.byteLength(plain.text) > DEFINITION_MAX_BYTES) {
    return invalid('definition', `A definition has at most ${DEFINITION_MAX_BYTES} bytes.`)
  }
  return { draft: plain.value }
}

function invalid(field: string, message: string): InvalidField {
  return { kind: 'invalid', path: ['input', field], message }
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
