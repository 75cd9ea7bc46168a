import type { ErrorObject, ValidateFunction } from 'ajv/dist/2020.js'
import { canonicalJson } from '../../lib/canonical-json.ts'
import { messageOf } from '../../lib/errors.ts'
import { isJsonObject, type Json, type JsonObject } from '../../lib/json.ts'
import { TimeAllowance, TimeUpError } from '../../lib/within.ts'
import { CompiledSchemas, compileSchema, prepareToCompile } from './compiled-schemas.ts'

/** One way in which an input does not satisfy its schema. */
export interface InputProblem {
  /** JSON pointer into the input. */
  readonly pointer: string
  readonly message: string
}

/** What a schema says of an input. */
export type InputCheck =
  | { readonly kind: 'fits' }
  /** A hundred problems at most. */
  | { readonly kind: 'misfits'; readonly problems: readonly InputProblem[] }
  /** Nobody knows: the schema is none, or asks for more work than it may. To check again comes to the same. */
  | { readonly kind: 'unchecked'; readonly reason: string }

/** A schema's text, in characters. */
export const MAX_SCHEMA_LENGTH = 65_536
/** To compile one schema, in milliseconds: some ten per thousand characters. */
const COMPILE_MS = 500
/** To check one input. */
const CHECK_MS = 250
const MAX_PROBLEMS = 100
const MAX_REASON_LENGTH = 1_000
const compiled = new CompiledSchemas()

type Compiled =
  | { readonly kind: 'compiled'; readonly key: string; readonly validate: ValidateFunction }
  /** `reason` goes on from a sentence’s subject. */
  | { readonly kind: 'refused'; readonly reason: string }

/** Time for the schemas of one thing together; without it each has what one may have. */
interface SchemaTime {
  readonly time?: TimeAllowance | undefined
}

/** Whether a value has the shape of a schema, sound or not. */
export function isSchemaLike(value: Json | undefined): value is JsonObject | boolean {
  return typeof value === 'boolean' || isJsonObject(value)
}

/** Why a schema cannot be used, in a sentence about `subject`, or null. Takes half a second at most. */
export function schemaProblem(
  schema: JsonObject | boolean,
  { subject = 'The input schema', time }: SchemaTime & { readonly subject?: string } = {},
): string | null {
  const outcome = compile(schema, time)
  return outcome.kind === 'refused' ? `${subject} ${outcome.reason}.` : null
}

/** Checks an input from outside against a schema from outside, in bounded time whatever they are. Throws nothing. */
export function checkInput(
  schema: JsonObject | boolean,
  input: Json,
  { time = new TimeAllowance(COMPILE_MS + CHECK_MS) }: SchemaTime = {},
): InputCheck {
  const outcome = compile(schema, time)
  if (outcome.kind === 'refused') return { kind: 'unchecked', reason: `its schema ${outcome.reason}` }
  const { key } = outcome
  let usable: ValidateFunction | null = outcome.validate
  try {
    const errors = time.within(CHECK_MS, () => {
      // What was cut off is in no known state: a second try has another one.
      const validate = usable ?? compileSchema(schema)
      usable = null
      const found = validate(input) ? [] : (validate.errors ?? [])
      // What is kept must not hold on to a million errors.
      validate.errors = null
      usable = validate
      return found
    })
    if (errors.length === 0) return { kind: 'fits' }
    return { kind: 'misfits', problems: errors.slice(0, MAX_PROBLEMS).map(toProblem) }
  } catch (fault) {
    return { kind: 'unchecked', reason: whyUnchecked(fault) }
  } finally {
    if (usable !== outcome.validate) compiled.forget(key)
  }
}

/** What is wrong with an input, a hundred things at most; empty when it is known to satisfy the schema. */
export function inputProblems(
  schema: JsonObject | boolean,
  input: Json,
  options: SchemaTime = {},
): readonly InputProblem[] {
  const check = checkInput(schema, input, options)
  switch (check.kind) {
    case 'fits':
      return []
    case 'misfits':
      return check.problems
    case 'unchecked':
      return [{ pointer: '', message: `cannot be checked: ${check.reason}` }]
  }
}

function whyUnchecked(fault: unknown): string {
  if (fault instanceof TimeUpError) return `it takes longer than the ${CHECK_MS} ms that a check may take`
  // The call stack is full: the schema refers to itself without ever coming to an end, or the input is that deep.
  if (fault instanceof RangeError) return 'the schema refers to itself without end'
  return messageOf(fault)
}

function toProblem({ instancePath, message, params }: ErrorObject): InputProblem {
  const detail = 'additionalProperty' in params ? ` (${String(params.additionalProperty)})` : ''
  return { pointer: instancePath, message: `${message ?? 'does not fit the schema'}${detail}` }
}

function compile(schema: JsonObject | boolean, time = new TimeAllowance(COMPILE_MS)): Compiled {
  const key = canonicalJson(schema)
  const known = compiled.get(key)
  if (known) return { kind: 'compiled', key, validate: known }
  if (key.length > MAX_SCHEMA_LENGTH)
    return { kind: 'refused', reason: `has more than ${MAX_SCHEMA_LENGTH} characters` }
  prepareToCompile()
  try {
    const validate = time.within(COMPILE_MS, () => compileSchema(schema))
    compiled.keep(key, validate)
    return { kind: 'compiled', key, validate }
  } catch (fault) {
    return { kind: 'refused', reason: whyRefused(fault) }
  }
}

function whyRefused(fault: unknown): string {
  if (fault instanceof TimeUpError)
    return `takes longer than the ${COMPILE_MS} ms that it may take to compile: make it smaller`
  const why =
    fault instanceof RangeError ? 'it is nested too deep' : messageOf(fault).slice(0, MAX_REASON_LENGTH)
  return `is not valid JSON Schema 2020-12: ${why}`
}
