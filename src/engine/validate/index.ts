export { validateDefinition, type Validation } from './validate-definition.ts'
export { inputProblems, type InputProblem } from './input-schema.ts'
