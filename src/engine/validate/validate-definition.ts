import type { z } from 'zod'
import {
  isJsonObject,
  pointer,
  toPlainJson,
  type Json,
  type JsonObject,
  type PlainJsonResult,
} from '../../lib/json/index.ts'
import { inOneGo } from '../../lib/turns/index.ts'
import type { BlockRegistry } from '../block/index.ts'
import {
  DEFINITION_MAX_BYTES,
  DEFINITION_MAX_NODES,
  definitionSchema,
  isSound,
  NO_GRAPH,
  problem,
  type Diagnostic,
  type Plan,
} from '../definition/index.ts'
import { directSchemaChecker, type DirectSchemaChecker } from '../json-schema/index.ts'
import {
  Inspection,
  issuesToDiagnostics,
  measureDefinition,
  missingSecrets,
  readGraph,
  referenceTo,
  TOO_MANY_BYTES,
  typeOfSchema,
  validateInOneGo,
  type SecretUse,
  type ValidationPieces,
} from './checks/index.ts'
import { compileGraph } from './compile-graph.ts'

/** What a definition is checked against. */
export interface ValidationOptions {
  readonly blocks: Pick<BlockRegistry, 'get' | 'closest'>
  /** The secrets that are set; null: they are not known, and nothing is said of them. */
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
  /** What was found in it, loop bodies included. */
  readonly size: { readonly nodes: number; readonly expressions: number }
}

/**
 * Checks a document from outside and compiles it, without an interruption. What is malformed is reported and left out, and
 * all the rest is checked. Never throws for what the document holds.
 */
export function validateDefinition(document: unknown, options: ValidationOptions): Validation {
  const { blocks, maxNodes = DEFINITION_MAX_NODES } = options
  const { excess } = inOneGo(measureDefinition(document, { blocks, maxNodes }))
  if (excess) return unreadable(excess)
  const plain = toPlainJson(document)
  const fault = textFault(plain)
  if (fault || !plain.ok) return unreadable(fault ?? TOO_MANY_BYTES)
  checker ??= directSchemaChecker()
  const { compile } = checker
  return validateInOneGo(validationPieces(plain.value, options), ({ schema, limitMs }) =>
    compile(schema, limitMs),
  )
}

let checker: DirectSchemaChecker | null = null

/** Why a document from outside is no definition at all; null when it may be one. */
export function textFault(plain: PlainJsonResult): Diagnostic | null {
  if (!plain.ok) {
    const { pointer: at, reason } = plain.problem
    return problem('DEFINITION_MALFORMED', at, `The value ${reason}.`)
  }
  return Buffer.byteLength(plain.text) > DEFINITION_MAX_BYTES ? TOO_MANY_BYTES : null
}

/** `validateDefinition` in pieces, for a document that is known to be plain JSON. */
export function* validationPieces(document: Json, options: ValidationOptions): ValidationPieces<Validation> {
  const { blocks, secretNames = null, maxNodes = DEFINITION_MAX_NODES } = options
  if (!isJsonObject(document)) {
    return unreadable(
      problem('DEFINITION_MALFORMED', '', 'A definition is an object with `nodes` and `edges`.'),
    )
  }
  const inspection = new Inspection({ maxNodes })
  const plan = yield* inspect(document, blocks, inspection)
  const { secretUses, diagnostics: found, nodes, expressions } = inspection
  return {
    diagnostics: [...found, ...missingSecrets(secretUses, secretNames)],
    plan: isSound(found) ? plan : null,
    secretUses,
    size: { nodes, expressions },
  }
}

/** What is said of a document that cannot be read. */
export function unreadable(diagnostic: Diagnostic): Validation {
  return { diagnostics: [diagnostic], plan: null, secretUses: [], size: { nodes: 0, expressions: 0 } }
}

function* inspect(
  document: JsonObject,
  blocks: ValidationOptions['blocks'],
  inspection: Inspection,
): ValidationPieces<Plan> {
  const read = <T>(field: string, schema: z.ZodType<T>) => readField(document, { field, schema, inspection })
  const { shape } = definitionSchema
  const inputSchema = read('inputSchema', shape.inputSchema)
  const variables = read('variables', shape.variables)
  const limits = read('limits', shape.limits)
  read('metadata', shape.metadata)
  const site = { at: '/inputSchema', code: 'INPUT_SCHEMA_INVALID', subject: 'The input schema' } as const
  const isUsable = inputSchema === undefined || (yield* inspection.schemas.admits(inputSchema, site))

  const graphRead = yield* readGraph(document, { at: '', inspection })
  const graph =
    graphRead &&
    (yield* compileGraph(graphRead, {
      blocks,
      inspection,
      variables: variables && new Set(Object.keys(variables)),
      input: isUsable ? typeOfSchema(inputSchema) : null,
      item: null,
      depth: 0,
      outer: null,
    }))
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
