/** Checks values against user-supplied JSON Schemas, within bounds of size and time. */
export { inputProblems, isSchemaLike } from './input-schema.ts'
export {
  COMPILE_TIME_UP,
  JsonSchemas,
  SCHEMA_CHECK_MS,
  SCHEMA_COMPILE_MS,
  SCHEMA_MAX_LENGTH,
  SCHEMA_TOO_LONG,
  schemaKey,
  timeUpReason,
  type Compilation,
  type InputCheck,
  type SchemaLimits,
  type TimeUp,
} from './json-schemas.ts'
export { listProblems, PROBLEMS_MAX, PROBLEMS_MAX_TEXT, type InputProblem } from './problem-list.ts'
export { sampleOfSchema } from './sample-of-schema.ts'
export {
  directSchemaChecker,
  findInputProblems,
  isQuickMisfit,
  NEAR_SCHEMA_MAX_LENGTH,
  NearSchemas,
  problemsOf,
  type DirectSchemaChecker,
  type SchemaChecker,
  type Timed,
} from './schema-checker.ts'
