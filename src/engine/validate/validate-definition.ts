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

const MAX_DIAGNOSTICS = 500
const MAX_SUGGESTIONS = 50

/** The diagnostics of a definition, the first 500 of them, and its plan when none is an error. */
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
      diagnostics: issuesToDiagnostics(parsed.error.issues.slice(0, MAX_DIAGNOSTICS), {
        code: 'DEFINITION_MALFORMED',
        at: '',
      }),
      plan: null,
    }
  }
  return compileDefinition(parsed.data, blocks)
}

function compileDefinition(
  definition: Definition,
  blocks: Pick<BlockRegistry, 'get' | 'closest'>,
): Validation {
  const findings = new Findings()
  const report = (diagnostic: Diagnostic) => findings.add(diagnostic)
  if (definition.nodes.length === 0) {
    report(problem('DEFINITION_EMPTY', '/nodes', 'The definition has no nodes; add at least one.'))
  }
  if (definition.inputSchema !== undefined) {
    const fault = schemaProblem(definition.inputSchema)
    if (fault) report(problem('INPUT_SCHEMA_INVALID', '/inputSchema', fault))
  }
  let nodes = 0
  let suggestions = 0
  const graph = compileGraph(definition, {
    at: '',
    blocks,
    report,
    variables: new Set(Object.keys(definition.variables)),
    admits(nodeCount, at) {
      const wasSaid = nodes > DEFINITION_MAX_NODES
      nodes += nodeCount
      if (nodes <= DEFINITION_MAX_NODES) return true
      const message = `The definition has ${nodes} nodes or more, loop bodies included; ${DEFINITION_MAX_NODES} are allowed.`
      if (!wasSaid) report(problem('DEFINITION_TOO_LARGE', at, message))
      return false
    },
    maySuggest: () => suggestions++ < MAX_SUGGESTIONS,
    outer: null,
  })
  const { concurrency, timeoutMs, maxCostUsd } = definition.limits
  const plan: Plan = {
    graph,
    inputSchema: definition.inputSchema ?? null,
    variables: definition.variables,
    limits: { concurrency, timeoutMs: timeoutMs ?? null, maxCostUsd: maxCostUsd ?? null },
  }
  return { diagnostics: findings.list, plan: isSound(findings.list) ? plan : null }
}

/** What is wrong with a definition, as much of it as anybody reads; one error at least, if there is any. */
class Findings {
  readonly list: Diagnostic[] = []

  add(diagnostic: Diagnostic): void {
    if (this.list.length < MAX_DIAGNOSTICS) this.list.push(diagnostic)
    else if (diagnostic.severity === 'error' && isSound(this.list))
      this.list[MAX_DIAGNOSTICS - 1] = diagnostic
  }
}
