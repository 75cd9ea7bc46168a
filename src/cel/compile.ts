import type { ASTNode, BinaryOperator } from '@marcbachmann/cel-js'
import { messageOf } from '../lib/index.ts'
import { compileCall } from './call.ts'
import { compilePath } from './path.ts'
import {
  aKind,
  Duration,
  ExpressionError,
  finite,
  isNumeric,
  keyOf,
  located,
  OPERATORS,
  typeError,
  whole,
  type Evaluate,
  type Frame,
  type Place,
  type SourceRange,
  type Value,
} from './values/index.ts'

/** To make a map takes as long as that many visits, and one more for each member. */
const VISITS_PER_MAP = 1

/** Turns a syntax tree into a function, once; throws `ExpressionError` for what can be known to be wrong. */
export function compile(node: ASTNode, place: Place): Evaluate {
  switch (node.op) {
    case 'value':
      return compileLiteral(node)
    case 'id':
    case '.':
    case '.?':
    case '[]':
    case '[?]':
      return compilePath(node, place)
    case 'call':
    case 'rcall':
      return compileCall(node, place)
    case 'list':
      return compileList(node.args, place)
    case 'map':
      return compileMap(node.args, place)
    case '?:':
      return compileChoice(node.args, place)
    case '||':
      return compileLogic(node.args, place, true)
    case '&&':
      return compileLogic(node.args, place, false)
    case '!_':
      return compileNot(node.args, place)
    case '-_':
      return compileMinus(node.args, place)
    default:
      return compileOperator(node, place)
  }
}

function compileLiteral({ args, range }: Extract<ASTNode, { op: 'value' }>): Evaluate {
  const value = readLiteral(args, range)
  return () => value
}

function readLiteral(literal: Extract<ASTNode, { op: 'value' }>['args'], range: SourceRange): Value {
  if (typeof literal === 'string' && literal.includes('\u0000')) {
    throw new ExpressionError('EXPRESSION_SYNTAX', 'a string cannot hold a NUL character', { range })
  }
  if (typeof literal !== 'bigint' && !isUnsigned(literal)) return literal
  try {
    return whole(literal.valueOf())
  } catch (thrown) {
    throw new ExpressionError('EXPRESSION_SYNTAX', messageOf(thrown), { range, cause: thrown })
  }
}

/** A literal such as `5u`. */
function isUnsigned(literal: unknown): literal is { valueOf(): bigint } {
  return typeof literal === 'object' && literal !== null && !(literal instanceof Uint8Array)
}

function compileList(nodes: readonly ASTNode[], place: Place): Evaluate {
  const items = nodes.map((node) => place.compile(node, place))
  return (frame) => items.map((evaluate) => evaluate(frame))
}

/** Own members only, whatever they are called: `fromEntries` never runs a setter. */
function compileMap(entries: readonly (readonly [ASTNode, ASTNode])[], place: Place): Evaluate {
  const members = entries.map(([key, value]) => ({
    key: compileKey(key, place),
    evaluate: place.compile(value, place),
  }))
  const visits = VISITS_PER_MAP + members.length
  return (frame) => {
    frame.meter.spend(visits)
    return Object.fromEntries(members.map(({ key, evaluate }) => [key(frame), evaluate(frame)]))
  }
}

function compileKey(node: ASTNode, place: Place): (frame: Frame) => string {
  const evaluate = place.compile(node, place)
  return (frame) => {
    const value = evaluate(frame)
    try {
      return keyOf(value)
    } catch (thrown) {
      throw located(thrown, node.range)
    }
  }
}

function compileChoice(
  [condition, left, right]: readonly [ASTNode, ASTNode, ASTNode],
  place: Place,
): Evaluate {
  const holds = compileBool(condition, place)
  const then = place.compile(left, { ...place, certain: false })
  const otherwise = place.compile(right, { ...place, certain: false })
  return (frame) => (holds(frame) ? then(frame) : otherwise(frame))
}

/** As CEL has it: whichever side decides the answer does, even if the other side is in error. */
function compileLogic([left, right]: readonly [ASTNode, ASTNode], place: Place, decisive: boolean): Evaluate {
  // The first one is always evaluated, but what it fails with may not count.
  const first = compileBool(left, { ...place, certain: false })
  const second = compileBool(right, { ...place, certain: false })
  return (frame) => {
    let failure: unknown
    try {
      if (first(frame) === decisive) return decisive
    } catch (thrown) {
      failure = frame.meter.forgive(thrown)
    }
    const answer = second(frame)
    if (failure && answer !== decisive) throw failure
    return answer
  }
}

function compileNot(node: ASTNode, place: Place): Evaluate {
  const holds = compileBool(node, place)
  return (frame) => !holds(frame)
}

function compileBool(node: ASTNode, place: Place): (frame: Frame) => boolean {
  const evaluate = place.compile(node, place)
  return (frame) => {
    const value = evaluate(frame)
    if (typeof value === 'boolean') return value
    throw typeError(`this must be true or false, but is ${aKind(value)}`).locate(node.range)
  }
}

function compileMinus(node: ASTNode, place: Place): Evaluate {
  const evaluate = place.compile(node, place)
  return (frame) => {
    const value = evaluate(frame)
    if (typeof value === 'number') return finite(-value)
    if (isNumeric(value)) return whole(-value)
    if (value instanceof Duration) return new Duration(-value.ms)
    throw typeError(`"-" cannot work on ${aKind(value)}`).locate(node.range)
  }
}

function compileOperator(node: Extract<ASTNode, { op: BinaryOperator }>, place: Place): Evaluate {
  const operate = OPERATORS[node.op]
  const left = place.compile(node.args[0], place)
  const right = place.compile(node.args[1], place)
  return (frame) => {
    const a = left(frame)
    const b = right(frame)
    try {
      return operate(a, b, frame.meter)
    } catch (thrown) {
      throw located(thrown, node.range)
    }
  }
}
