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

const MAX_COMPILED = 500
const compiled = new Map<string, ValidateFunction>()

/** Why a schema cannot be used, or null. */
export function schemaProblem(schema: JsonObject | boolean): string | null {
  try {
    compile(schema)
    return null
  } catch (fault) {
    return `The input schema is not valid JSON Schema 2020-12: ${messageOf(fault)}.`
  }
}

/** Everything that is wrong with an input, empty when it satisfies the schema. The schema must be valid. */
export function inputProblems(schema: JsonObject | boolean, input: Json): readonly InputProblem[] {
  const validate = compile(schema)
  return validate(input) ? [] : (validate.errors ?? []).map(toProblem)
}

function toProblem({ instancePath, message, params }: ErrorObject): InputProblem {
  const detail = 'additionalProperty' in params ? ` (${String(params.additionalProperty)})` : ''
  return { pointer: instancePath, message: `${message ?? 'does not fit the schema'}${detail}` }
}

function compile(schema: JsonObject | boolean): ValidateFunction {
  const key = canonicalJson(schema)
  const known = compiled.get(key)
  if (known) return known
  // A schema comes from users: its patterns run on RE2's semantics, which cannot backtrack, and every schema has an
  // instance of its own, so that `$id`s of different tenants never meet.
  const ajv = new Ajv2020({ strict: false, allErrors: true, code: { regExp: linearRegExp } })
  ;(addFormats as unknown as (ajv: Ajv2020) => void)(ajv)
  const validate = ajv.compile(schema)
  if (compiled.size >= MAX_COMPILED) compiled.delete(compiled.keys().next().value ?? '')
  compiled.set(key, validate)
  return validate
}

const linearRegExp = Object.assign(
  (pattern: string) => {
    const regExp = RE2JS.compile(pattern)
    return { test: (text: string) => regExp.matcher(text).find() }
  },
  { code: 'RE2' },
)
