export { inputProblems } from './input-schema.ts'
export type { InputProblem } from './json-schemas.ts'
export { measureDefinition, type Measure } from './measure.ts'
export { missingSecrets } from './missing-secrets.ts'
export {
  textFault,
  unreadable,
  validateDefinition,
  validationPieces,
  type Validation,
  type ValidationOptions,
} from './validate-definition.ts'
export type { SchemaQuestion, ValidationPieces } from './validation-pieces.ts'
