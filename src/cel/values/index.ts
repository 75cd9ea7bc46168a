/** Defines the values of the language: their types, comparison, arithmetic, text form, errors and cost. */
export { toJson } from './boundary.ts'
export { lengthOf, pointsBefore, unitOf } from './code-points.ts'
export { CountedText } from './counted-text.ts'
export { ExpressionError, failed, located, typeError, type SourceRange } from './error.ts'
export { MAX_ITEMS, MAX_TEXT, MAX_VISITS, Meter, tooCostly } from './meter.ts'
export { calculate, finite, isNumeric, quotient, sum, whole, type Numeric } from './numbers.ts'
export { compare, instant, keyOf, keysOf, OPERATORS } from './operators.ts'
export { bind, type Evaluate, type Frame, type Place, type Reference, type Scope } from './place.ts'
export { quoted, scalarText } from './scalar-text.ts'
export {
  aKind,
  Duration,
  isList,
  isMap,
  kindOf,
  member,
  Timestamp,
  type Value,
  type ValueList,
  type ValueMap,
} from './value.ts'
