/** Everything that can be wrong with a definition. Codes are stable: clients branch on them. */
export const DIAGNOSTIC_CODES = {
  DEFINITION_MALFORMED: 'A part of the document does not have the shape that a definition has there.',
  DEFINITION_EMPTY: 'The graph has no nodes.',
  DEFINITION_TOO_LARGE:
    'The definition has too many nodes, edges, variables, values or bytes, or JSON pointers that are too long together.',
  DEFINITION_TOO_DEEP: 'Loops are nested too deep.',
  DEFINITION_TOO_COMPLEX: 'The definition has too many expressions, or too much JSON Schema.',
  NODE_ID_DUPLICATE: 'Two nodes have the same id.',
  NODE_UNREACHABLE:
    'A node can never start: it is only reached through a cycle, a dangling edge or a handle that does not exist.',
  EDGE_DANGLING: 'An edge names a node that does not exist.',
  EDGE_DUPLICATE: 'Two edges join the same nodes by the same handle.',
  HANDLE_UNKNOWN: 'An edge leaves by a handle that the block does not have.',
  GRAPH_CYCLE: 'Nodes follow each other in a circle.',
  BLOCK_UNKNOWN: 'No block of this type is registered.',
  BLOCK_DEPRECATED: 'The block is going away; another one takes its place.',
  CONFIG_REQUIRED: 'A config lacks a field that its block needs.',
  CONFIG_INVALID: 'A config does not fit its block’s schema.',
  EXPRESSION_INVALID: 'An expression or template cannot be compiled.',
  NAME_UNKNOWN: 'An expression uses a name that is not in scope.',
  NODE_UNKNOWN: 'An expression names a node that does not exist.',
  NODE_NOT_UPSTREAM: 'An expression names a node whose result is not known yet when it is evaluated.',
  TYPE_CLASH:
    'An expression names a field that cannot be there, or yields a value of a type that cannot fit.',
  INPUT_UNDECLARED: 'An expression names a field of the input that the input schema does not allow.',
  INPUT_SCHEMA_INVALID: 'The input schema is not a valid JSON Schema.',
  SECRET_IN_PURE_BLOCK: 'A pure block’s config names a secret.',
  SECRET_IN_CONTROL_BLOCK:
    'A control block’s config names a secret, which it would hand on to the timeline, to a wait or to a child.',
  SECRET_IN_EXPRESSION: 'A secret is a part of a larger expression, or is not named one by one.',
  SECRET_UNAVAILABLE: 'A secret that a node needs is not set.',
  VARIABLE_UNUSED: 'No expression uses the variable.',
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

/** What a diagnostic says beside its code, its place and its message; what is undefined is left out. */
export type DiagnosticDetails = {
  readonly [Detail in Exclude<keyof Diagnostic, 'code' | 'pointer' | 'message'>]?:
    | Diagnostic[Detail]
    | undefined
}

/** An error diagnostic, unless `details` say otherwise; they add where it is and how to mend it. */
export function problem(
  code: DiagnosticCode,
  pointer: string,
  message: string,
  details: DiagnosticDetails = {},
): Diagnostic {
  const given = Object.fromEntries(Object.entries(details).filter(([, detail]) => detail !== undefined))
  return { code, severity: 'error', message, pointer, ...(given as Partial<Diagnostic>) }
}

/** True when nothing stands in the way of running the definition. */
export function isSound(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.every((diagnostic) => diagnostic.severity !== 'error')
}
