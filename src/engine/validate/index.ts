export { inputProblems } from './input-schema.ts'
export { measureDefinition } from './measure.ts'
export { missingSecrets } from './missing-secrets.ts'
export { listProblems, type InputProblem } from './problem-list.ts'
export {
  textFault,
  unreadable,
  validateDefinition,
  validationPieces,
  type Validation,
  type ValidationOptions,
} from './validate-definition.ts'
export type { ValidationPieces } from './validation-pieces.ts'
