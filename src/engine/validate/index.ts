export { validateDefinition, type Validation, type ValidationOptions } from './validate-definition.ts'
export { inputProblems, type InputProblem } from './input-schema.ts'
export { missingSecrets } from './missing-secrets.ts'
