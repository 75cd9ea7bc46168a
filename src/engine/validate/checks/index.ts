/** Checks one aspect of a definition at a time: its shape, references, types, secrets and schemas. */
export { configDiagnostics } from './config-issues.ts'
export { DEFINITION_SCHEMAS_COMPILE_MS, DEFINITION_SCHEMAS_MAX_TEXT } from './definition-schemas.ts'
export { DIAGNOSTICS_MAX, DIAGNOSTICS_MAX_TEXT } from './diagnostic-list.ts'
export { Inspection, type SecretUse } from './inspection.ts'
export { typeOfPath, valueFault } from './known-types.ts'
export { measureDefinition, TOO_MANY_BYTES, type Measure } from './measure.ts'
export { missingSecrets } from './missing-secrets.ts'
export { referenceTo } from './path-text.ts'
export { readGraph, type ReadEdge, type ReadGraph, type ReadNode } from './read-graph.ts'
export {
  checkExpression,
  checkReferences,
  type NodeNames,
  type SecretRule,
  type VisibleNames,
} from './references.ts'
export { validateInOneGo, type ValidationPieces } from './validation-pieces.ts'
export { itemOf, jsonTypeOf, typeAt, typeOfBlockSchema, typeOfSchema, type ValueType } from './value-type.ts'
export { issuesToDiagnostics, standingIssues } from './zod-issues.ts'
