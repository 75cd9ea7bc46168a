import type { RE2JS } from 're2js'
import type { Json } from '../../lib/json/index.ts'
import type { Duration, Frame, Timestamp, Value, ValueList, ValueMap } from '../values/index.ts'

export const FUNCTION_GROUPS = [
  'presence',
  'loops',
  'text',
  'numbers',
  'lists',
  'maps',
  'conversion',
  'time',
] as const
export type FunctionGroup = (typeof FUNCTION_GROUPS)[number]

/** What the reference says about a function. */
export interface FunctionDoc {
  readonly name: string
  readonly group: FunctionGroup
  /** Such as `substring(text: string, start: number, end?: number): string`. */
  readonly signature: string
  readonly description: string
  /** An expression that stands alone (`input` is an empty map), and its value. */
  readonly example: string
  readonly result: Json
}

/** The types that a parameter may ask for. `regex` is a pattern written out in the source, compiled with it. */
export interface Kinds {
  any: Value
  string: string
  number: number
  bool: boolean
  list: ValueList
  map: ValueMap
  timestamp: Timestamp
  duration: Duration
  regex: RE2JS
}

type ArgumentOf<P> = P extends `${string}?: ${infer K extends keyof Kinds}`
  ? Kinds[K] | undefined
  : P extends `${string}: ${infer K extends keyof Kinds}`
    ? Kinds[K]
    : never
type ArgumentsOf<P extends readonly string[]> = { [I in keyof P]: ArgumentOf<P[I]> }

export interface Parameter {
  readonly name: string
  readonly kind: keyof Kinds
  readonly optional: boolean
}

/** A function of its arguments' values. `f(x, y)` may also be written `x.f(y)`. */
export interface PlainFunction extends FunctionDoc {
  readonly parameters: readonly Parameter[]
  /** What one call costs, in visits, beside what it pays for the size of its arguments. */
  readonly visits: number
  /** Takes what its parameters ask for. */
  run(frame: Frame, ...values: readonly unknown[]): Value
}

/** What a function's author writes down; the signature is made of the parameters. */
interface FunctionSpec<P extends readonly string[]> extends Omit<FunctionDoc, 'signature'> {
  /** Each as it stands in the signature: `text: string`, `end?: number`. */
  readonly parameters: P
  readonly returns: string
  /** What one call costs, in visits, beside what it pays for the size of its arguments. Default 1. */
  readonly visits?: number
  /** Errors get their place from the caller. */
  readonly run: (frame: Frame, ...values: ArgumentsOf<P>) => Value
}

export function defineFunction<const P extends readonly string[]>(spec: FunctionSpec<P>): PlainFunction {
  const { parameters, returns, visits = 1, ...rest } = spec
  return {
    ...rest,
    signature: `${spec.name}(${parameters.join(', ')}): ${returns}`,
    parameters: parameters.map(readParameter),
    visits,
    run: spec.run,
  }
}

function readParameter(text: string): Parameter {
  const [name = '', kind] = text.split(': ')
  return { name: name.replace('?', ''), kind: kind as keyof Kinds, optional: name.endsWith('?') }
}
