export { inputProblems } from './input-schema.ts'
export type { InputProblem } from './json-schemas.ts'
export { measureDefinition } from './measure.ts'
export { missingSecrets } from './missing-secrets.ts'
export {
  textFault,
  unreadable,
  validateDefinition,
  validationPieces,
  type Validation,
  type ValidationOptions,
} from './validate-definition.ts'
export type { ValidationPieces } from './validation-pieces.ts'
