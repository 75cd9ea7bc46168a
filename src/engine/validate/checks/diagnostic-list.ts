import { shorten } from '../../../lib/text/index.ts'
import type { Diagnostic } from '../../definition/index.ts'

/** Maximum number of diagnostics of one severity. */
export const DIAGNOSTICS_MAX = 500
/** The text of all diagnostics of one severity together, their pointers included, in UTF-16 units. */
export const DIAGNOSTICS_MAX_TEXT = 1024 * 1024
/** A message or a suggestion of one diagnostic, in UTF-16 units; the rest is cut off. */
export const DIAGNOSTIC_MAX_TEXT = 4_096
/** An id that a diagnostic names; a node id that is well formed is no longer. */
const MAX_ID = 128

/**
 * Collects diagnostics up to a number and up to a length of their text, because names that the author chose repeat in them.
 * The first diagnostic is always kept, so a list with an error never becomes one without.
 */
export class DiagnosticList {
  readonly #list: Diagnostic[] = []
  #text = 0

  get all(): readonly Diagnostic[] {
    return this.#list
  }

  /** Appends a diagnostic with its texts shortened. Returns false, and drops it, when there is no room for it. */
  add(diagnostic: Diagnostic): boolean {
    if (this.#list.length >= DIAGNOSTICS_MAX) return false
    const short = shortened(diagnostic)
    this.#text += lengthOf(short)
    if (this.#text > DIAGNOSTICS_MAX_TEXT && this.#list.length > 0) return false
    this.#list.push(short)
    return true
  }
}

function shortened(diagnostic: Diagnostic): Diagnostic {
  const { message, suggestion, nodeId, relatedNodeIds } = diagnostic
  return {
    ...diagnostic,
    message: cut(message, DIAGNOSTIC_MAX_TEXT),
    ...(suggestion === undefined ? {} : { suggestion: cut(suggestion, DIAGNOSTIC_MAX_TEXT) }),
    ...(nodeId === undefined ? {} : { nodeId: cut(nodeId, MAX_ID) }),
    ...(relatedNodeIds === undefined ? {} : { relatedNodeIds: relatedNodeIds.map((id) => cut(id, MAX_ID)) }),
  }
}

function cut(text: string, maxLength: number): string {
  return text.length > maxLength ? shorten(text, maxLength) : text
}

function lengthOf({
  pointer,
  message,
  suggestion = '',
  nodeId = '',
  relatedNodeIds = [],
}: Diagnostic): number {
  const ids = relatedNodeIds.reduce((length, id) => length + id.length, nodeId.length)
  return pointer.length + message.length + suggestion.length + ids
}
