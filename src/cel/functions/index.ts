/** Defines the functions that expressions call, each with its documentation and its cost. */
export type { FunctionDoc, Parameter, PlainFunction } from './function.ts'
export { FUNCTIONS } from './functions.ts'
export { compilePattern } from './regex.ts'
