import type { JsonObject } from '../../lib/json.ts'
import { TimeAllowance } from '../../lib/within.ts'
import { problem, type Diagnostic, type DiagnosticCode } from '../diagnostics.ts'
import { MAX_SCHEMA_LENGTH, schemaProblem } from './input-schema.ts'

/** JSON Schemas of a definition, all that differ together: their text, in characters, and the time to compile them. */
const MAX_TEXT = 131_072
const COMPILE_MS = 1_000
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
  readonly #time = new TimeAllowance(COMPILE_MS)
  /** What was found, by subject and text: a definition may say the same thing in many places. */
  readonly #found = new Map<string, string | null>()
  #text = 0
  #isTooMuch = false

  constructor(report: (diagnostic: Diagnostic) => void) {
    this.#report = report
  }

  /** Whether a schema can be used; reports it when it cannot. */
  admits(schema: JsonObject | boolean, { at, code, subject, nodeId }: SchemaSite): boolean {
    const text = JSON.stringify(schema)
    const key = `${subject} ${text}`
    let fault = this.#found.get(key)
    if (fault === undefined) {
      // What is larger than one may be is refused by itself, at no cost.
      if (text.length <= MAX_SCHEMA_LENGTH) this.#text += text.length
      if (this.#text > MAX_TEXT || this.#time.isSpent) return this.#refuse(at)
      fault = schemaProblem(schema, { subject, time: this.#time })
      // Where the others took its time, that it was cut off says nothing of the schema.
      if (fault !== null && this.#time.isSpent) return this.#refuse(at)
      this.#found.set(key, fault)
    }
    if (fault === null) return true
    this.#report(problem(code, at, fault, { nodeId, suggestion: SUGGESTION }))
    return false
  }

  #refuse(at: string): false {
    const message = `The JSON Schemas of the definition have more than ${MAX_TEXT} characters together, or take longer than ${COMPILE_MS} ms to compile.`
    const suggestion = 'Use the same schema in several places, or make them smaller.'
    if (!this.#isTooMuch) this.#report(problem('DEFINITION_TOO_COMPLEX', at, message, { suggestion }))
    this.#isTooMuch = true
    return false
  }
}
