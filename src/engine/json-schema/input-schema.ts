import { isJsonObject, type Json, type JsonObject } from '../../lib/json/index.ts'
import type { InputProblem } from './problem-list.ts'
import { directSchemaChecker, problemsOf } from './schema-checker.ts'

const checker = directSchemaChecker()

/** Whether a value has the shape of a schema, sound or not. */
export function isSchemaLike(value: Json | undefined): value is JsonObject | boolean {
  return typeof value === 'boolean' || isJsonObject(value)
}

/**
 * What is wrong with an input, as `listProblems` lists it; empty when the input satisfies the schema. Keeps the thread for
 * as long as the check takes: for built-in schemas, and for tests.
 */
export function inputProblems(schema: JsonObject | boolean, input: Json): readonly InputProblem[] {
  return problemsOf(checker.check(schema, input).answer)
}
