import type { DraftText, WorkflowFields } from '../db/stores/index.ts'
import { DEFINITION_MAX_BYTES } from '../engine/definition/index.ts'
import { measureDefinition } from '../engine/validate/index.ts'
import {
  canonicalHash,
  canonicalHashPieces,
  isJsonObject,
  isStorableText,
  plainJsonPieces,
  type Json,
} from '../lib/json/index.ts'
import { shorten } from '../lib/text/index.ts'
import { withPauses, type Pieces } from '../lib/turns/index.ts'
import type { DraftSize, DraftTurn } from './draft-turns.ts'

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

export const NAME_MAX_LENGTH = 200
const DESCRIPTION_MAX_LENGTH = 10_000
const TAGS_MAX = 50
const TAG_MAX_LENGTH = 100
/** A draft may be unsound: its validation reports too many nodes. */
const ANY_NODES = { blocks: { get: () => undefined }, maxNodes: Number.POSITIVE_INFINITY }

/** What was sent, as far as it is checked without a walk over the whole draft. */
export interface MeasuredInput {
  readonly kind: 'ok'
  readonly fields: Omit<Partial<WorkflowFields>, 'draft'>
  /** Undefined where none was sent. */
  readonly definition: unknown
  readonly size: DraftSize
}

/** A draft that was read: its value as a reader of its text gets it. */
export interface ReadDraft extends DraftText {
  readonly value: Json
  readonly bytes: number
}

export type ReadFields = Omit<WorkflowFields, 'draft'> & { readonly draft: ReadDraft }

/** Compares the fields that are given, and the size of the draft, with their limits. */
export async function measureInput({
  name,
  description,
  tags,
  definition,
}: DraftInput): Promise<MeasuredInput | InvalidField> {
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
  if (definition == null) return { kind: 'ok', fields, definition: undefined, size: { bytes: 0, values: 0 } }
  const { excess, bytes, values } = await withPauses(measureDefinition(definition, ANY_NODES))
  if (excess) return invalid('definition', excess.message)
  return { kind: 'ok', fields, definition, size: { bytes, values } }
}

/** Reads a draft that was measured, in the pieces of its turn. Its text is written once and is what is stored. */
export async function readInput(
  { fields, definition }: MeasuredInput,
  turn: Pick<DraftTurn, 'inPieces'>,
): Promise<{ readonly kind: 'ok'; readonly fields: Partial<ReadFields> } | InvalidField> {
  if (definition === undefined) return { kind: 'ok', fields }
  const draft = await turn.inPieces(draftPieces(definition))
  return 'message' in draft ? draft : { kind: 'ok', fields: { ...fields, draft } }
}

const MAX_POINTER = 200

function* draftPieces(definition: unknown): Pieces<InvalidField | ReadDraft> {
  const plain = yield* plainJsonPieces(definition)
  if (!plain.ok) {
    const { pointer, reason } = plain.problem
    return invalid('definition', `The value at "${shorten(pointer, MAX_POINTER)}" ${reason}.`)
  }
  const { text, value } = plain
  if (!isJsonObject(value))
    return invalid('definition', 'A definition is a JSON object with `nodes` and `edges`.')
  const bytes = Buffer.byteLength(text)
  if (bytes > DEFINITION_MAX_BYTES) {
    return invalid('definition', `A definition has at most ${DEFINITION_MAX_BYTES} bytes.`)
  }
  yield
  return { text, bytes, value, hash: yield* canonicalHashPieces(value) }
}

function invalid(field: string, message: string): InvalidField {
  return { kind: 'invalid', path: ['input', field], message }
}

/** The draft of a workflow that is created without one. */
const EMPTY_DRAFT = readOf({ nodes: [], edges: [] })

function readOf(value: Json): ReadDraft {
  const text = JSON.stringify(value)
  return { text, bytes: Buffer.byteLength(text), value, hash: canonicalHash(value) }
}

/** All fields of a new workflow, with defaults for those that were not given. */
export function completeFields(fields: Partial<ReadFields>): ReadFields {
  const { draft = EMPTY_DRAFT, description = '', tags = [] } = fields
  return { name: fields.name ?? nameOf(draft.value) ?? 'Untitled workflow', description, tags, draft }
}

function nameOf(draft: Json): string | null {
  const name = isJsonObject(draft) ? draft.name : null
  return typeof name === 'string' && name.trim().length > 0 ? name.trim().slice(0, NAME_MAX_LENGTH) : null
}
