import type { ASTNode } from '@marcbachmann/cel-js'
import { given, syntaxError, type SpecialForm } from './form.ts'
import { sizeOf } from './syntax.ts'
import {
  aKind,
  bind,
  ExpressionError,
  isList,
  isMap,
  keysOf,
  typeError,
  type Evaluate,
  type Frame,
  type Place,
  type SourceRange,
  type Value,
  type ValueList,
} from './values/index.ts'

/** How deep loops may nest: three over a thousand items each are already a billion visits. */
const MAX_LOOPS = 2
/** A visit pays for that many nodes of the loop's body, so that long bodies cost what they take. */
const NODES_PER_VISIT = 3

/** The forms that bind a name to each item of a list, or key of a map. */
export const LOOP_FORMS: readonly SpecialForm[] = [
  {
    name: 'all',
    group: 'loops',
    signature: 'list.all(x, condition): bool',
    description: 'Whether the condition holds for every item; of a map, for every key.',
    example: '[1, 2, 3].all(n, n > 0)',
    result: true,
    arity: { min: 3, max: 3 },
    style: 'method',
    compile: (args, place) => compileQuantifier(args, place, { name: 'all', decisive: false }),
  },
  {
    name: 'exists',
    group: 'loops',
    signature: 'list.exists(x, condition): bool',
    description: 'Whether the condition holds for at least one item; of a map, for one key.',
    example: '[1, 2, 3].exists(n, n > 2)',
    result: true,
    arity: { min: 3, max: 3 },
    style: 'method',
    compile: (args, place) => compileQuantifier(args, place, { name: 'exists', decisive: true }),
  },
  {
    name: 'exists_one',
    group: 'loops',
    signature: 'list.exists_one(x, condition): bool',
    description: 'Whether the condition holds for exactly one item; of a map, for one key.',
    example: '[1, 2, 3].exists_one(n, n > 1)',
    result: false,
    arity: { min: 3, max: 3 },
    style: 'method',
    compile: compileExistsOne,
  },
  {
    name: 'filter',
    group: 'loops',
    signature: 'list.filter(x, condition): list',
    description: 'The items for which the condition holds, in order; of a map, the keys.',
    example: '[1, 2, 3].filter(n, n > 1)',
    result: [2, 3],
    arity: { min: 3, max: 3 },
    style: 'method',
    compile: compileFilter,
  },
  {
    name: 'map',
    group: 'loops',
    signature: 'list.map(x, value): list, or list.map(x, condition, value): list',
    description:
      'The value for each item, in order; with a condition, only for the items for which it holds.',
    example: '["a", "b"].map(s, upper(s))',
    result: ['A', 'B'],
    arity: { min: 3, max: 4 },
    style: 'method',
    compile: compileMap,
  },
]

interface Loop {
  readonly items: (frame: Frame) => ValueList
  /** Sets the bound name and pays for the visit. */
  readonly visit: (frame: Frame, item: Value) => void
  readonly inner: Place
}

function compileLoop(range: ASTNode, name: ASTNode, body: readonly ASTNode[], place: Place): Loop {
  if (name.op !== 'id') throw syntaxError('the first argument of a loop is the name of its item', name.range)
  if (place.loops >= MAX_LOOPS) {
    throw new ExpressionError('EXPRESSION_TOO_LARGE', `loops may be nested ${MAX_LOOPS} deep at most`)
  }
  const collection = place.compile(range, place)
  const { inner, slot } = bind({ ...place, loops: place.loops + 1, certain: false }, name.args)
  const cost = Math.max(1, Math.ceil(body.reduce((sum, node) => sum + sizeOf(node), 0) / NODES_PER_VISIT))
  return {
    items: (frame) => itemsOf(collection(frame), frame, range.range),
    visit(frame, item) {
      frame.meter.spend(cost)
      frame.locals[slot] = item
    },
    inner,
  }
}

function itemsOf(collection: Value, { meter }: Frame, range: SourceRange): ValueList {
  if (isList(collection)) return collection
  if (isMap(collection)) return keysOf(collection, meter)
  throw typeError(`a loop needs a list or a map, but got ${aKind(collection)}`).locate(range)
}

/** As CEL has it: an error in the condition counts only if no other item decides the answer. */
function compileQuantifier(
  [range, name, condition]: readonly ASTNode[],
  place: Place,
  { name: form, decisive }: { name: string; decisive: boolean },
): Evaluate {
  const loop = compileLoop(given(range), given(name), [given(condition)], place)
  const holds = compileCondition(given(condition), loop.inner, form)
  return (frame) => {
    let failure: unknown
    for (const item of loop.items(frame)) {
      loop.visit(frame, item)
      try {
        if (holds(frame) === decisive) return decisive
      } catch (thrown) {
        const forgiven = frame.meter.forgive(thrown)
        failure ??= forgiven
      }
    }
    if (failure) throw failure
    return !decisive
  }
}

function compileExistsOne([range, name, condition]: readonly ASTNode[], place: Place): Evaluate {
  const loop = compileLoop(given(range), given(name), [given(condition)], place)
  const holds = compileCondition(given(condition), loop.inner, 'exists_one')
  return (frame) => {
    let count = 0
    for (const item of loop.items(frame)) {
      loop.visit(frame, item)
      if (holds(frame)) count++
    }
    return count === 1
  }
}

function compileFilter([range, name, condition]: readonly ASTNode[], place: Place): Evaluate {
  const loop = compileLoop(given(range), given(name), [given(condition)], place)
  const holds = compileCondition(given(condition), loop.inner, 'filter')
  return (frame) => {
    const kept: Value[] = []
    for (const item of loop.items(frame)) {
      loop.visit(frame, item)
      if (holds(frame)) kept.push(item)
    }
    frame.meter.list(kept.length)
    return kept
  }
}

function compileMap([range, name, ...body]: readonly ASTNode[], place: Place): Evaluate {
  const loop = compileLoop(given(range), given(name), body, place)
  const [condition, value] = body.length === 2 ? body : [null, body[0]]
  const holds = condition ? compileCondition(condition, loop.inner, 'map') : () => true
  const evaluate = place.compile(given(value), loop.inner)
  return (frame) => {
    const made: Value[] = []
    for (const item of loop.items(frame)) {
      loop.visit(frame, item)
      if (holds(frame)) made.push(evaluate(frame))
    }
    frame.meter.list(made.length)
    return made
  }
}

function compileCondition(node: ASTNode, place: Place, form: string): (frame: Frame) => boolean {
  const evaluate = place.compile(node, place)
  return (frame) => {
    const value = evaluate(frame)
    if (typeof value === 'boolean') return value
    throw typeError(`the condition of ${form}() is ${aKind(value)}, not true or false`).locate(node.range)
  }
}
