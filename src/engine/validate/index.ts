/** Turns a document into a plan, or into diagnostics that say what is wrong with it. */
export {
  DEFINITION_SCHEMAS_COMPILE_MS,
  DEFINITION_SCHEMAS_MAX_TEXT,
  DIAGNOSTICS_MAX,
  DIAGNOSTICS_MAX_TEXT,
  measureDefinition,
} from './checks/index.ts'
export { DEFINITION_MAX_LOOP_DEPTH } from './compile-node.ts'
export {
  directCheckers,
  PlanCache,
  VALIDATIONS_MAX_WAITING,
  withMissingSecrets,
  type Asker,
  type SecretNames,
  type DefinitionReader,
  type ReadDefinition,
  type SchemaCheckers,
} from './plan-cache.ts'
export { validateDefinition, type Validation } from './validate-definition.ts'
