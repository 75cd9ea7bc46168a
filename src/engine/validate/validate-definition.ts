import { toPlainJson } from '../../lib/plain-json.ts'
import {
  DEFINITION_MAX_BYTES,
  DEFINITION_MAX_NODES,
  definitionSchema,
  type Definition,
} from '../definition.ts'
import { isSound, problem, type Diagnostic } from '../diagnostics.ts'
import type { Plan } from '../plan.ts'
import type { BlockRegistry } from '../registry.ts'
import { compileGraph } from './compile-graph.ts'
import { schemaProblem } from './input-schema.ts'
import { issuesToDiagnostics } from './zod-issues.ts'

/** All diagnostics of a definition, and its plan when none of them is an error. */
export interface Validation {
  readonly diagnostics: readonly Diagnostic[]
  readonly plan: Plan | null
}

/** Checks a document from outside and compiles it. Never throws for what the document holds. */
export function validateDefinition(
  document: unknown,
  blocks: Pick<BlockRegistry, 'get' | 'closest'>,
): Validation {
  const plain = toPlainJson(document)
  if (!plain.ok) {
    const { pointer, reason } = plain.problem
    return { diagnostics: [problem('DEFINITION_MALFORMED', pointer, `The value ${reason}.`)], plan: null }
  }
  if (Buffer.byteLength(plain.text) > DEFINITION_MAX_BYTES) {
    const message = `The definition is larger than ${DEFINITION_MAX_BYTES} bytes.`
    return { diagnostics: [problem('DEFINITION_TOO_LARGE', '', message)], plan: null }
  }
  const parsed = definitionSchema.safeParse(plain.value)
  if (!parsed.success) {
    return {
      diagnostics: issuesToDiagnostics(parsed.error.issues, { code: 'DEFINITION_MALFORMED', at: '' }),
      plan: null,
    }
  }
  return compileDefinition(parsed.data, blocks)
}

function compileDefinition(
  definition: Definition,
  blocks: Pick<BlockRegistry, 'get' | 'closest'>,
): Validation {
  const diagnostics: Diagnostic[] = []
  if (definition.nodes.length === 0) {
    diagnostics.push(problem('DEFINITION_EMPTY', '/nodes', 'The definition has no nodes; add at least one.'))
  }
  if (definition.nodes.length > DEFINITION_MAX_NODES) {
    const message = `The definition has ${definition.nodes.length} nodes; ${DEFINITION_MAX_NODES} are allowed.`
    return { diagnostics: [problem('DEFINITION_TOO_LARGE', '/nodes', message)], plan: null }
  }
  if (definition.inputSchema !== undefined) {
    const fault = schemaProblem(definition.inputSchema)
    if (fault) diagnostics.push(problem('INPUT_SCHEMA_INVALID', '/inputSchema', fault))
  }
  const graph = compileGraph(definition, {
    at: '',
    blocks,
    report: (diagnostic) => diagnostics.push(diagnostic),
    variables: new Set(Object.keys(definition.variables)),
    outer: null,
  })
  const { concurrency, timeoutMs } = definition.limits
  const plan: Plan = {
    graph,
    inputSchema: definition.inputSchema ?? null,
    variables: definition.variables,
    limits: { concurrency, timeoutMs: timeoutMs ?? null },
  }
  return { diagnostics, plan: isSound(diagnostics) ? plan : null }
}
