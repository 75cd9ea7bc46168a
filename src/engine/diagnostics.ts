/** Everything that can be wrong with a definition. Codes are stable: clients branch on them. */
export const DIAGNOSTIC_CODES = {
  DEFINITION_MALFORMED: 'The document does not have the shape of a definition.',
  DEFINITION_EMPTY: 'The graph has no nodes.',
  DEFINITION_TOO_LARGE: 'The definition has too many nodes or bytes.',
  NODE_ID_DUPLICATE: 'Two nodes have the same id.',
  EDGE_DANGLING: 'An edge names a node that does not exist.',
  EDGE_DUPLICATE: 'Two edges join the same nodes by the same handle.',
  HANDLE_UNKNOWN: 'An edge leaves by a handle that the block does not have.',
  GRAPH_CYCLE: 'Nodes follow each other in a circle.',
  BLOCK_UNKNOWN: 'No block of this type is registered.',
  CONFIG_INVALID: 'A config does not fit its block’s schema.',
  EXPRESSION_INVALID: 'An expression or template cannot be compiled.',
  NAME_UNKNOWN: 'An expression uses a name that is not in scope.',
  NODE_UNKNOWN: 'An expression names a node that does not exist.',
  NODE_NOT_UPSTREAM: 'An expression names a node whose result is not known yet when it is evaluated.',
  SECRET_IN_PURE_BLOCK: 'A pure block’s config names a secret.',
  INPUT_SCHEMA_INVALID: 'The input schema is not a valid JSON Schema.',
} as const
export type DiagnosticCode = keyof typeof DIAGNOSTIC_CODES

export const SEVERITIES = ['error', 'warning'] as const
export type Severity = (typeof SEVERITIES)[number]

/** One thing wrong with a definition. */
export interface Diagnostic {
  readonly code: DiagnosticCode
  readonly severity: Severity
  readonly message: string
  /** JSON pointer into the definition. */
  readonly pointer: string
  readonly nodeId?: string
  /** Character offsets inside the string at `pointer`, end exclusive. */
  readonly range?: { readonly start: number; readonly end: number }
  /** Other nodes that take part: the nodes of a cycle in order, the first holder of a duplicate id. */
  readonly relatedNodeIds?: readonly string[]
  /** How to mend it. */
  readonly suggestion?: string
}

/** An error diagnostic; `rest` adds where it is and how to mend it. */
export function problem(
  code: DiagnosticCode,
  pointer: string,
  message: string,
  rest: Omit<Partial<Diagnostic>, 'code' | 'pointer' | 'message'> = {},
): Diagnostic {
  return { code, severity: 'error', message, pointer, ...rest }
}

/** True when nothing stands in the way of running the definition. */
export function isSound(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.every((diagnostic) => diagnostic.severity !== 'error')
}
