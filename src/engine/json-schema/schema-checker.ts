import { withinMs } from '../../lib/async/index.ts'
import type { Json, JsonObject } from '../../lib/json/index.ts'
import type { Awaitable } from '../../lib/turns/index.ts'
import {
  COMPILE_TIME_UP,
  JsonSchemas,
  SCHEMA_CHECK_MS,
  SCHEMA_COMPILE_MS,
  schemaKey,
  timeUpReason,
  type Compilation,
  type InputCheck,
} from './json-schemas.ts'
import type { InputProblem } from './problem-list.ts'

/** An answer, and the time that it took, in milliseconds. */
export interface Timed<T> {
  readonly answer: T
  readonly spentMs: number
}

/** Works with JSON Schemas that users wrote, in bounded time whatever they are. Where the work is done is its own affair. */
export interface SchemaChecker {
  /** Whether a schema can be used. `limitMs` is the processor time that it may take, at most `SCHEMA_COMPILE_MS`. */
  compile(schema: JsonObject | boolean, limitMs?: number): Awaitable<Timed<Compilation>>
  /** What a schema says of a value. */
  check(schema: JsonObject | boolean, value: Json): Awaitable<Timed<InputCheck>>
}

/** A checker whose answers are there at once. */
export interface DirectSchemaChecker extends SchemaChecker {
  compile(schema: JsonObject | boolean, limitMs?: number): Timed<Compilation>
  check(schema: JsonObject | boolean, value: Json): Timed<InputCheck>
}

/** Does the work where it is asked for and keeps the thread meanwhile: for tests, tools and schemas of our own. */
export function directSchemaChecker(): DirectSchemaChecker {
  const schemas = new JsonSchemas(withinMs)
  const timed = <T>(work: () => T): Timed<T> => {
    const startedAt = performance.now()
    const answer = work()
    return { answer, spentMs: performance.now() - startedAt }
  }
  return {
    compile: (schema, limitMs = SCHEMA_COMPILE_MS) =>
      timed(() => {
        const outcome = schemas.compile(schema, { compileMs: limitMs })
        return outcome.kind === 'timeUp' ? { kind: 'refused', reason: COMPILE_TIME_UP } : outcome
      }),
    check: (schema, value) =>
      timed(() => {
        const limits = { compileMs: SCHEMA_COMPILE_MS, checkMs: SCHEMA_CHECK_MS }
        const outcome = schemas.check(schema, value, limits)
        return outcome.kind === 'timeUp' ? { kind: 'unchecked', reason: timeUpReason(outcome) } : outcome
      }),
  }
}

/** What is wrong with an input, as `listProblems` lists it; empty when the input satisfies the schema. */
export function findInputProblems(
  checker: SchemaChecker,
  schema: JsonObject | boolean | null,
  input: Json,
): Awaitable<readonly InputProblem[]> {
  if (schema === null) return []
  const checked = checker.check(schema, input)
  return checked instanceof Promise
    ? checked.then(({ answer }) => problemsOf(answer))
    : problemsOf(checked.answer)
}

/** The problems that a check has found; that nothing is known of an input is one. */
export function problemsOf(check: InputCheck): readonly InputProblem[] {
  switch (check.kind) {
    case 'fits':
      return []
    case 'misfits':
      return check.problems
    case 'unchecked':
      return [{ pointer: '', message: `cannot be checked: ${check.reason}` }]
  }
}

/** The longest schema that is compiled where it is asked for, in UTF-16 units of its canonical text: about 40 ms of work. */
export const NEAR_SCHEMA_MAX_LENGTH = 4_096
/** How long the thread is kept for one schema that is short, and for one check. */
const NEAR_COMPILE_MS = 40
const NEAR_CHECK_MS = 15

/** Answers the questions about short schemas that take little time, and leaves the others unanswered. */
export class NearSchemas {
  readonly #schemas = new JsonSchemas(withinMs)

  /** Null: the schema is too long, or takes too long. */
  compile(schema: JsonObject | boolean): Compilation | null {
    if (schemaKey(schema).length > NEAR_SCHEMA_MAX_LENGTH) return null
    const outcome = this.#schemas.compile(schema, { compileMs: NEAR_COMPILE_MS })
    return outcome.kind === 'timeUp' ? null : outcome
  }

  /** Null: the schema is too long, or it or the check takes too long. */
  check(schema: JsonObject | boolean, value: Json): InputCheck | null {
    if (schemaKey(schema).length > NEAR_SCHEMA_MAX_LENGTH) return null
    const outcome = this.#schemas.check(schema, value, { compileMs: NEAR_COMPILE_MS, checkMs: NEAR_CHECK_MS })
    return outcome.kind === 'timeUp' ? null : outcome
  }
}

const forSamples = new NearSchemas()

/** Whether a value is known not to fit a schema after a short look; a schema that asks for more work is not asked. */
export function isQuickMisfit(schema: JsonObject | boolean, value: Json): boolean {
  const check = forSamples.check(schema, value)
  return check !== null && check.kind !== 'fits'
}
