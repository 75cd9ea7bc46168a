import type { ASTNode } from '@marcbachmann/cel-js'
import { given, syntaxError, type SpecialForm } from './form.ts'
import { compileLenient, isPathNode } from './path.ts'
import type { Evaluate, Frame, Place, Value } from './values/index.ts'

/** The forms that deal with what may be missing. */
export const PRESENCE_FORMS: readonly SpecialForm[] = [
  {
    name: 'has',
    group: 'presence',
    signature: 'has(path): bool',
    description:
      'Whether the path leads to something, if only to null. False when any part of it is missing.',
    example: 'has(input.company.name)',
    result: false,
    arity: { min: 1, max: 1 },
    style: 'call',
    compile: compileHas,
  },
  {
    name: 'default',
    group: 'presence',
    signature: 'default(value, fallback): any',
    description: 'The value, or the fallback when the value is null or names something that is missing.',
    example: 'default(input.company.name, "unknown")',
    result: 'unknown',
    arity: { min: 2, max: 2 },
    style: 'either',
    compile: compileDefault,
  },
  ...(['orValue', 'or'] as const).map((name): SpecialForm => ({
    name,
    group: 'presence',
    signature: `value.${name}(fallback): any`,
    description:
      'The value, or the fallback when it is null, as a path with `.?` is where it leads to nothing.',
    example: `input.?company.?name.${name}("unknown")`,
    result: 'unknown',
    arity: { min: 2, max: 2 },
    style: 'method',
    compile: compileOrValue,
  })),
]

function compileHas([path]: readonly ASTNode[], place: Place): Evaluate {
  const node = given(path)
  if (!isPathNode(node)) throw syntaxError('has() takes a path, such as has(input.email)', node.range)
  const find = compileLenient(node, { ...place, guarded: true })
  return (frame) => findIn(frame, find) !== undefined
}

function compileDefault([value, fallback]: readonly ASTNode[], place: Place): Evaluate {
  const find = compileLenient(given(value), { ...place, guarded: true })
  const otherwise = place.compile(given(fallback), { ...place, certain: false })
  return (frame) => findIn(frame, find) ?? otherwise(frame)
}

/** What a lenient node gives; undefined also when something else that it needs is missing. */
function findIn(frame: Frame, find: (frame: Frame) => Value | undefined): Value | undefined {
  try {
    return find(frame)
  } catch (thrown) {
    if (frame.meter.forgive(thrown).code === 'EXPRESSION_MISSING') return undefined
    throw thrown
  }
}

function compileOrValue([value, fallback]: readonly ASTNode[], place: Place): Evaluate {
  const evaluate = place.compile(given(value), place)
  const otherwise = place.compile(given(fallback), { ...place, certain: false })
  return (frame) => evaluate(frame) ?? otherwise(frame)
}
