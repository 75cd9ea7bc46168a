import type { JsonObject } from '../../../lib/json/index.ts'
import type { Compilation, Timed } from '../../json-schema/index.ts'

/** Asked in the middle of a validation: whether a schema can be used. */
export interface SchemaQuestion {
  readonly schema: JsonObject | boolean
  /** The processor time that the answer may take. */
  readonly limitMs: number
}

/** A validation that may be interrupted wherever it yields nothing, and that goes on with an answer where it yields a question. */
export type ValidationPieces<T> = Generator<SchemaQuestion | undefined, T, Timed<Compilation> | undefined>

/** Does a whole validation at once. */
export function validateInOneGo<T>(
  pieces: ValidationPieces<T>,
  answer: (question: SchemaQuestion) => Timed<Compilation>,
): T {
  for (let next = pieces.next(); ;) {
    if (next.done) return next.value
    next = pieces.next(next.value && answer(next.value))
  }
}
