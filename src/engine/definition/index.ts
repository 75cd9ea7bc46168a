/** Defines what a workflow definition and its compiled plan are, and the diagnostics about them. */
export {
  compileConfig,
  readsFrom,
  renderConfig,
  renderConfigPieces,
  type ConfigTemplate,
} from './config-template.ts'
export { definitionJsonSchema } from './definition-json-schema.ts'
export {
  DEFINITION_MAX_BYTES,
  DEFINITION_MAX_EDGES,
  DEFINITION_MAX_EXPRESSION_TEXT,
  DEFINITION_MAX_EXPRESSIONS,
  DEFINITION_MAX_MEMBERS,
  DEFINITION_MAX_NODES,
  DEFINITION_MAX_POINTERS,
  DEFINITION_MAX_VALUES,
  DEFINITION_MAX_VARIABLES,
  DEFINITION_NODES_CEILING,
  definitionSchema,
  edgeSchema,
  nodeSchema,
  type GraphEdge,
  type GraphNode,
  type OnError,
} from './definition.ts'
export {
  DIAGNOSTIC_CODES,
  isSound,
  problem,
  type Diagnostic,
  type DiagnosticCode,
  type Severity,
} from './diagnostics.ts'
export { inGraph, inNode, inTemplate, readsOf, type GraphReads } from './node-reads.ts'
export { NO_GRAPH, placeOf, type Plan, type PlanEdge, type PlanGraph, type PlanNode } from './plan.ts'
export { countExpressions, isTemplate, templatePieces, type Template } from './template.ts'
