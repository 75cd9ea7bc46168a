import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { RE2JS } from 're2js'
import { canonicalJson } from '../../lib/canonical-json.ts'
import type { Json, JsonObject } from '../../lib/json.ts'
import { messageOf } from '../../lib/errors.ts'

/** One way in which an input does not satisfy its schema. */
export interface InputProblem {
  /** JSON pointer into the input. */
  readonly pointer: string
  readonly message: string
}

/** A schema's text, in characters: compiling one takes some ten milliseconds per thousand. */
const MAX_SCHEMA_LENGTH = 65_536
/** How much text the compiled schemas that are kept stand for, together. */
const MAX_COMPILED_LENGTH = 1_000_000
const MAX_PROBLEMS = 100
const compiled = new Map<string, ValidateFunction>()

/** Why a schema cannot be used, in a sentence about `subject`, or null. */
export function schemaProblem(schema: JsonObject | boolean, subject = 'The input schema'): string | null {
  try {
    compile(schema)
    return null
  } catch (fault) {
    return `${subject} is not valid JSON Schema 2020-12: ${messageOf(fault)}.`
  }
}

/** What is wrong with an input, a hundred things at most; empty when it satisfies the schema, which must be valid. */
export function inputProblems(schema: JsonObject | boolean, input: Json): readonly InputProblem[] {
  const validate = compile(schema)
  try {
    return validate(input) ? [] : (validate.errors ?? []).slice(0, MAX_PROBLEMS).map(toProblem)
  } catch (fault) {
    if (!(fault instanceof RangeError)) throw fault
    // The call stack is full: the schema refers to itself without ever coming to an end.
    return [{ pointer: '', message: 'cannot be checked: the schema refers to itself without end' }]
  }
}

function toProblem({ instancePath, message, params }: ErrorObject): InputProblem {
  const detail = 'additionalProperty' in params ? ` (${String(params.additionalProperty)})` : ''
  return { pointer: instancePath, message: `${message ?? 'does not fit the schema'}${detail}` }
}

function compile(schema: JsonObject | boolean): ValidateFunction {
  const key = canonicalJson(schema)
  const known = compiled.get(key)
  if (known) return known
  if (key.length > MAX_SCHEMA_LENGTH) throw new Error(`it has more than ${MAX_SCHEMA_LENGTH} characters`)
  // A schema comes from users: its patterns run on RE2's semantics, which cannot backtrack, and every schema has an
  // instance of its own, so that `$id`s of different tenants never meet.
  const ajv = new Ajv2020({ strict: false, allErrors: true, code: { regExp: linearRegExp } })
  ;(addFormats as unknown as (ajv: Ajv2020) => void)(ajv)
  const validate = ajv.compile(schema)
  keep(key, validate)
  return validate
}

function keep(key: string, validate: ValidateFunction): void {
  compiled.set(key, validate)
  let length = [...compiled.keys()].reduce((sum, text) => sum + text.length, 0)
  for (const oldest of compiled.keys()) {
    if (length <= MAX_COMPILED_LENGTH) return
    compiled.delete(oldest)
    length -= oldest.length
  }
}

const linearRegExp = Object.assign(
  (pattern: string) => {
    const regExp = RE2JS.compile(pattern)
    // Ajv tells patterns apart by their text form; without one all patterns of a schema are the first.
    return { test: (text: string) => regExp.matcher(text).find(), toString: () => pattern }
  },
  { code: 'RE2' },
)
