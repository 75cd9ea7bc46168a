import type { ErrorObject, ValidateFunction } from 'ajv/dist/2020.js'
import { TimeUpError } from '../../lib/async/index.ts'
import { messageOf } from '../../lib/index.ts'
import { canonicalJson, type Json, type JsonObject } from '../../lib/json/index.ts'
import { CompiledSchemas, compileSchema, requireSchema } from './compiled-schemas.ts'
import { listProblems, type InputProblem } from './problem-list.ts'

/** A JSON Schema's canonical text, in UTF-16 units. */
export const SCHEMA_MAX_LENGTH = 65_536
/** Why a longer schema is refused, in words that continue a sentence about it. */
export const SCHEMA_TOO_LONG = `has more than ${SCHEMA_MAX_LENGTH} characters`
/** The time to compile one schema, in milliseconds of processor time. */
export const SCHEMA_COMPILE_MS = 500
/** The time to check one value against its schema, in milliseconds of processor time. */
export const SCHEMA_CHECK_MS = 250

/** What a schema says of an input. */
export type InputCheck =
  | { readonly kind: 'fits' }
  /** As `listProblems` lists them. */
  | { readonly kind: 'misfits'; readonly problems: readonly InputProblem[] }
  /** The schema is none, or asks for more work than it may. Another check has the same result. */
  | { readonly kind: 'unchecked'; readonly reason: string }

/** The work was ended because its time was up. */
export interface TimeUp {
  readonly kind: 'timeUp'
  readonly during: 'compile' | 'check'
}

export type Compilation =
  | { readonly kind: 'compiled' }
  /** `reason` goes on from a sentence's subject. */
  | { readonly kind: 'refused'; readonly reason: string }

/** Does synchronous work within a time, and throws `TimeUpError` when it takes longer. */
export type Within = <T>(limitMs: number, work: () => T) => T

export interface SchemaLimits {
  readonly compileMs: number
  readonly checkMs: number
}

const MAX_REASON_LENGTH = 1_000

/** Compiles JSON Schemas of users, keeps those that are used, and checks values against them. */
export class JsonSchemas {
  readonly #compiled = new CompiledSchemas()
  readonly #within: Within

  constructor(within: Within) {
    this.#within = within
  }

  compile(
    schema: JsonObject | boolean,
    { compileMs }: Pick<SchemaLimits, 'compileMs'>,
  ): Compilation | TimeUp {
    const outcome = this.#compile(schema, compileMs)
    return outcome.kind === 'ready' ? { kind: 'compiled' } : outcome
  }

  check(
    schema: JsonObject | boolean,
    input: Json,
    { compileMs, checkMs }: SchemaLimits,
    onCompiled: () => void = () => {},
  ): InputCheck | TimeUp {
    const outcome = this.#compile(schema, compileMs)
    if (outcome.kind === 'timeUp') return outcome
    if (outcome.kind === 'refused') return { kind: 'unchecked', reason: `its schema ${outcome.reason}` }
    onCompiled()
    const { key, validate } = outcome
    let isIntact = false
    try {
      const errors = this.#within(checkMs, () => {
        const found = validate(input) ? [] : (validate.errors ?? [])
        // What is kept must not hold on to a million errors.
        validate.errors = null
        isIntact = true
        return found
      })
      if (errors.length === 0) return { kind: 'fits' }
      return { kind: 'misfits', problems: listProblems(errors, toProblem) }
    } catch (fault) {
      if (fault instanceof TimeUpError) return { kind: 'timeUp', during: 'check' }
      return { kind: 'unchecked', reason: whyUnchecked(fault) }
    } finally {
      if (!isIntact) this.#compiled.forget(key)
    }
  }

  #compile(schema: JsonObject | boolean, compileMs: number) {
    const key = schemaKey(schema)
    const known = this.#compiled.get(key)
    if (known) return { kind: 'ready', key, validate: known } as const
    if (key.length > SCHEMA_MAX_LENGTH) {
      return { kind: 'refused', reason: SCHEMA_TOO_LONG } as const
    }
    try {
      // Its time grows with the schema's length alone, so it is not measured.
      requireSchema(schema)
      const validate: ValidateFunction = this.#within(compileMs, () => compileSchema(schema))
      this.#compiled.keep(key, validate)
      return { kind: 'ready', key, validate } as const
    } catch (fault) {
      if (fault instanceof TimeUpError) return { kind: 'timeUp', during: 'compile' } as const
      return { kind: 'refused', reason: whyRefused(fault) } as const
    }
  }
}

const keys = new WeakMap<object, string>()

/**
 * A schema's canonical text, made once for each schema that is kept. A schema beyond `SCHEMA_MAX_LENGTH` has its plain text,
 * which is as long: it is refused for its length, and its canonical text takes far longer to make.
 */
export function schemaKey(schema: JsonObject | boolean): string {
  if (typeof schema === 'boolean') return String(schema)
  const known = keys.get(schema)
  if (known !== undefined) return known
  const text = JSON.stringify(schema)
  const key = text.length > SCHEMA_MAX_LENGTH ? text : canonicalJson(schema)
  keys.set(schema, key)
  return key
}

/** Why work on a schema that was ended has no result, in words that go on from a sentence's subject. */
export function timeUpReason({ during }: TimeUp): string {
  return during === 'check'
    ? `it takes longer than the ${SCHEMA_CHECK_MS} ms that a check may take`
    : `its schema ${COMPILE_TIME_UP}`
}

export const COMPILE_TIME_UP = `takes longer than the ${SCHEMA_COMPILE_MS} ms that it may take to compile: make it smaller`

function whyUnchecked(fault: unknown): string {
  // The call stack is full: the schema refers to itself without ever coming to an end, or the input is that deep.
  if (fault instanceof RangeError) return 'the schema refers to itself without end'
  return messageOf(fault)
}

function whyRefused(fault: unknown): string {
  const why =
    fault instanceof RangeError ? 'it is nested too deep' : messageOf(fault).slice(0, MAX_REASON_LENGTH)
  return `is not valid JSON Schema 2020-12: ${why}`
}

function toProblem({ instancePath, message, params }: ErrorObject): InputProblem {
  const detail = 'additionalProperty' in params ? ` (${String(params['additionalProperty'])})` : ''
  return { pointer: instancePath, message: `${message ?? 'does not fit the schema'}${detail}` }
}
