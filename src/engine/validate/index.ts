export { inputProblems } from '../json-schema/input-schema.ts'
export { measureDefinition } from './checks/measure.ts'
export { missingSecrets } from './checks/missing-secrets.ts'
export { listProblems, type InputProblem } from '../json-schema/problem-list.ts'
export {
  textFault,
  unreadable,
  validateDefinition,
  validationPieces,
  type Validation,
  type ValidationOptions,
} from './validate-definition.ts'
export type { ValidationPieces } from './checks/validation-pieces.ts'
