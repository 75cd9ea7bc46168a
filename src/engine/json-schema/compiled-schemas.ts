import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { RE2JS } from 're2js'
import type { JsonObject } from '../../lib/json/index.ts'

/** How much text the compiled schemas that are kept stand for, together, and how many they are. */
const MAX_COMPILED_LENGTH = 1_000_000
const MAX_COMPILED = 1_000

/** Schemas compiled, by their canonical text; the one that was not used for the longest time goes first. */
export class CompiledSchemas {
  readonly #kept = new Map<string, ValidateFunction>()
  #length = 0

  get(key: string): ValidateFunction | undefined {
    const known = this.#kept.get(key)
    if (known) {
      this.#kept.delete(key)
      this.#kept.set(key, known)
    }
    return known
  }

  keep(key: string, validate: ValidateFunction): void {
    this.#kept.set(key, validate)
    this.#length += key.length
    for (const oldest of this.#kept.keys()) {
      if (this.#length <= MAX_COMPILED_LENGTH && this.#kept.size <= MAX_COMPILED) return
      this.forget(oldest)
    }
  }

  /** For one whose check was cut off: it is in no known state. */
  forget(key: string): void {
    if (this.#kept.delete(key)) this.#length -= key.length
  }
}

const MAX_TOLD_ERRORS = 5
/** Looks at schemas themselves. One for all: to compile the schema of schemas takes ten times as long as most of them. */
let metaSchemas: Ajv2020 | null = null

/**
 * Compiles a schema from a user that `requireSchema` admits; throws when it still is none. Its patterns run on RE2's
 * semantics, which cannot backtrack, and each schema has an instance for itself, so that `$id`s of different tenants never
 * meet. To be called within a time.
 */
export function compileSchema(schema: JsonObject | boolean): ValidateFunction {
  const ajv = new Ajv2020({
    strict: false,
    allErrors: true,
    validateSchema: false,
    // Inlined, a schema that is referred to a thousand times would be compiled a thousand times.
    inlineRefs: false,
    logger: false,
    code: { regExp: linearRegExp },
  })
  ;(addFormats as unknown as (ajv: Ajv2020) => void)(ajv)
  const validate = ajv.compile(schema)
  // Its answer would be a promise: everything would fit, and what does not would be a rejection that is never handled.
  if ('$async' in validate) throw new Error('`$async` is not for schemas here')
  return validate
}

/** Throws, with what is wrong, unless a value is a JSON Schema 2020-12. Takes time in proportion to its length. */
export function requireSchema(schema: JsonObject | boolean): void {
  metaSchemas ??= newMetaSchemas()
  if (metaSchemas.validateSchema(schema) === true) return
  const errors = metaSchemas.errors?.slice(0, MAX_TOLD_ERRORS)
  throw new Error(metaSchemas.errorsText(errors, { dataVar: 'schema' }))
}

function newMetaSchemas(): Ajv2020 {
  const meta = new Ajv2020({ strict: false, allErrors: true, logger: false })
  void meta.validateSchema({}) // it compiles the schema of schemas when it is first asked
  return meta
}

const linearRegExp = Object.assign(
  (pattern: string) => {
    const regExp = RE2JS.compile(pattern)
    // Ajv tells patterns apart by their text form; without one all patterns of a schema are the first.
    return { test: (text: string) => regExp.matcher(text).find(), toString: () => pattern }
  },
  { code: 'RE2' },
)
