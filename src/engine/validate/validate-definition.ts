import type { z } from 'zod'
import { isJsonObject, pointer, type JsonObject } from '../../lib/json.ts'
import { toPlainJson } from '../../lib/plain-json.ts'
import { DEFINITION_MAX_BYTES, DEFINITION_MAX_NODES, definitionSchema } from '../definition.ts'
import { isSound, problem, type Diagnostic } from '../diagnostics.ts'
import { NO_GRAPH, type Plan } from '../plan.ts'
import type { BlockRegistry } from '../registry.ts'
import { compileGraph } from './compile-graph.ts'
import { Inspection, type SecretUse } from './inspection.ts'
import { readGraph } from './read-graph.ts'
import { missingSecrets } from './missing-secrets.ts'
import { referenceTo } from './path-text.ts'
import { typeOfSchema } from './value-type.ts'
import { issuesToDiagnostics } from './zod-issues.ts'

/** What a definition is checked against. */
export interface ValidationOptions {
  readonly blocks: Pick<BlockRegistry, 'get' | 'closest'>
  /** The secrets that are set; null: nobody knows, so nothing is said of them. */
  readonly secretNames?: ReadonlySet<string> | null
  /** How many nodes a definition may have, loop bodies included. */
  readonly maxNodes?: number
}

/** All diagnostics of a definition, 500 of them at most, and its plan when none is an error. */
export interface Validation {
  readonly diagnostics: readonly Diagnostic[]
  readonly plan: Plan | null
  /** Where secrets are needed. */
  readonly secretUses: readonly SecretUse[]
}

/**
 * Checks a document from outside and compiles it. What is malformed is told and left out, and all the rest is checked.
 * Never throws for what the document holds.
 */
export function validateDefinition(document: unknown, options: ValidationOptions): Validation {
  const { blocks, secretNames = null, maxNodes = DEFINITION_MAX_NODES } = options
  const plain = toPlainJson(document)
  if (!plain.ok) {
    const { pointer: at, reason } = plain.problem
    return unreadable(problem('DEFINITION_MALFORMED', at, `The value ${reason}.`))
  }
  if (Buffer.byteLength(plain.text) > DEFINITION_MAX_BYTES) {
    const message = `The definition is larger than ${DEFINITION_MAX_BYTES} bytes.`
    return unreadable(problem('DEFINITION_TOO_LARGE', '', message))
  }
  if (!isJsonObject(plain.value)) {
    return unreadable(
      problem('DEFINITION_MALFORMED', '', 'A definition is an object with `nodes` and `edges`.'),
    )
  }
  const inspection = new Inspection({ maxNodes })
  const plan = inspect(plain.value, blocks, inspection)
  const { secretUses, diagnostics: found } = inspection
  return {
    diagnostics: [...found, ...missingSecrets(secretUses, secretNames)],
    plan: isSound(found) ? plan : null,
    secretUses,
  }
}

function unreadable(diagnostic: Diagnostic): Validation {
  return { diagnostics: [diagnostic], plan: null, secretUses: [] }
}

function inspect(document: JsonObject, blocks: ValidationOptions['blocks'], inspection: Inspection): Plan {
  const read = <T>(field: string, schema: z.ZodType<T>) => readField(document, { field, schema, inspection })
  const { shape } = definitionSchema
  const inputSchema = read('inputSchema', shape.inputSchema)
  const variables = read('variables', shape.variables)
  const limits = read('limits', shape.limits)
  read('metadata', shape.metadata)
  const site = { at: '/inputSchema', code: 'INPUT_SCHEMA_INVALID', subject: 'The input schema' } as const
  const isUsable = inputSchema === undefined || inspection.schemas.admits(inputSchema, site)

  const graphRead = readGraph(document, { at: '', inspection })
  const graph =
    graphRead &&
    compileGraph(graphRead, {
      blocks,
      inspection,
      variables: variables && new Set(Object.keys(variables)),
      input: isUsable ? typeOfSchema(inputSchema) : null,
      item: null,
      depth: 0,
      outer: null,
    })
  reportUnused(variables, inspection)
  return {
    graph: graph ?? NO_GRAPH,
    inputSchema: inputSchema ?? null,
    variables: variables ?? {},
    limits: {
      concurrency: limits?.concurrency ?? 1,
      timeoutMs: limits?.timeoutMs ?? null,
      maxCostUsd: limits?.maxCostUsd ?? null,
    },
  }
}

/** One of the fields beside the graph, with its default; undefined, with a report, when it is malformed. */
function readField<T>(
  document: JsonObject,
  { field, schema, inspection }: { field: string; schema: z.ZodType<T>; inspection: Inspection },
): T | undefined {
  const at = pointer('', field)
  const parsed = schema.safeParse(document[field])
  if (parsed.success) return parsed.data
  for (const diagnostic of issuesToDiagnostics(parsed.error.issues, { code: 'DEFINITION_MALFORMED', at }))
    inspection.report(diagnostic)
  return undefined
}

function reportUnused(variables: JsonObject | undefined, inspection: Inspection): void {
  for (const name of inspection.unusedVariables(Object.keys(variables ?? {}))) {
    const message = `No expression uses the variable "${name}".`
    inspection.report(
      problem('VARIABLE_UNUSED', pointer('/variables', name), message, {
        severity: 'warning',
        suggestion: `Remove it, or use it as \`${referenceTo(['variables', name])}\`.`,
      }),
    )
  }
}
