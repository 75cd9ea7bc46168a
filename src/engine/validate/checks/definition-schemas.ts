import type { JsonObject } from '../../../lib/json/index.ts'
import { problem, type Diagnostic, type DiagnosticCode } from '../../definition/index.ts'
import { SCHEMA_COMPILE_MS, SCHEMA_MAX_LENGTH, SCHEMA_TOO_LONG } from '../../json-schema/index.ts'
import type { ValidationPieces } from './validation-pieces.ts'

/** The JSON Schemas of a definition, all that differ together: their text, in UTF-16 units. */
export const DEFINITION_SCHEMAS_MAX_TEXT = 131_072
/** The time to compile the JSON Schemas of a definition, all that differ together, in milliseconds of processor time. */
export const DEFINITION_SCHEMAS_COMPILE_MS = 1_000
const SUGGESTION =
  'Write JSON Schema 2020-12 that is small: without long lists, large repeats or many references.'

interface SchemaSite {
  /** Where the schema stands in the definition. */
  readonly at: string
  /** What is said of one that cannot be used, in a sentence about `subject`. */
  readonly code: DiagnosticCode
  readonly subject: string
  readonly nodeId?: string
}

/** The JSON Schemas that a definition holds, looked at one by one in the time that they have together. */
export class DefinitionSchemas {
  readonly #report: (diagnostic: Diagnostic) => void
  /** What was found, by subject and text: a definition may say the same thing in many places. */
  readonly #found = new Map<string, string | null>()
  #leftMs = DEFINITION_SCHEMAS_COMPILE_MS
  #text = 0
  #isTooMuch = false

  constructor(report: (diagnostic: Diagnostic) => void) {
    this.#report = report
  }

  /** Whether a schema can be used; reports it when it cannot. */
  *admits(
    schema: JsonObject | boolean,
    { at, code, subject, nodeId }: SchemaSite,
  ): ValidationPieces<boolean> {
    const text = JSON.stringify(schema)
    // The canonical text is as long as this one, but takes far longer to make.
    if (text.length > SCHEMA_MAX_LENGTH) {
      this.#report(problem(code, at, `${subject} ${SCHEMA_TOO_LONG}.`, { nodeId, suggestion: SUGGESTION }))
      return false
    }
    const key = `${subject} ${text}`
    let fault = this.#found.get(key)
    if (fault === undefined) {
      this.#text += text.length
      if (this.#text > DEFINITION_SCHEMAS_MAX_TEXT || this.#isSpent) return this.#refuse(at)
      const verdict = yield { schema, limitMs: Math.min(SCHEMA_COMPILE_MS, this.#leftMs) }
      if (!verdict) throw new Error('the question about a schema was not answered')
      const { answer, spentMs } = verdict
      this.#leftMs -= spentMs
      fault = answer.kind === 'refused' ? `${subject} ${answer.reason}.` : null
      // When the others took its time, the end of its time says nothing of the schema.
      if (fault !== null && this.#isSpent) return this.#refuse(at)
      this.#found.set(key, fault)
    }
    if (fault === null) return true
    this.#report(problem(code, at, fault, { nodeId, suggestion: SUGGESTION }))
    return false
  }

  get #isSpent(): boolean {
    return this.#leftMs < 1
  }

  #refuse(at: string): false {
    const message = `The JSON Schemas of the definition have more than ${DEFINITION_SCHEMAS_MAX_TEXT} characters together, or take longer than ${DEFINITION_SCHEMAS_COMPILE_MS} ms to compile.`
    const suggestion = 'Use the same schema in several places, or make them smaller.'
    if (!this.#isTooMuch) this.#report(problem('DEFINITION_TOO_COMPLEX', at, message, { suggestion }))
    this.#isTooMuch = true
    return false
  }
}
