import type { ASTNode } from '@marcbachmann/cel-js'
import type { SpecialForm } from './form.ts'
import { FORMS } from './forms.ts'
import { compilePattern, FUNCTIONS, type Parameter, type PlainFunction } from './functions/index.ts'
import { suggest } from './suggest.ts'
import {
  aKind,
  ExpressionError,
  kindOf,
  located,
  typeError,
  type Evaluate,
  type Frame,
  type Place,
  type SourceRange,
} from './values/index.ts'

const forms: ReadonlyMap<string, SpecialForm> = new Map(FORMS.map((form) => [form.name, form]))
const functions: ReadonlyMap<string, PlainFunction> = new Map(FUNCTIONS.map((fn) => [fn.name, fn]))

/** A call as it stands in the source; a method's receiver is its first argument. */
interface Call {
  readonly name: string
  readonly args: readonly ASTNode[]
  readonly style: 'call' | 'method'
  readonly range: SourceRange
}

/** Compiles a call of a form or a function, in either notation. */
export function compileCall(node: Extract<ASTNode, { op: 'call' | 'rcall' }>, place: Place): Evaluate {
  const call = readCall(node, place)
  if (call.name === 'matches') throw forbidden(call)
  const form = forms.get(call.name)
  if (form) return compileForm(form, call, place)
  const fn = functions.get(call.name)
  if (fn) return compileFunction(fn, call, place)
  throw unknown(call)
}

function readCall(node: Extract<ASTNode, { op: 'call' | 'rcall' }>, place: Place): Call {
  const { range } = node
  if (node.op === 'call') return { name: node.args[0], args: node.args[1], style: 'call', range }
  const [name, receiver, args] = node.args
  const isNamespace = receiver.op === 'id' && receiver.args === 'cel' && !place.locals.includes('cel')
  if (isNamespace) return { name: `cel.${name}`, args, style: 'call', range }
  return { name, args: [receiver, ...args], style: 'method', range }
}

function forbidden({ range }: Call): ExpressionError {
  const message =
    'matches() is not offered, because one pattern can hang the process; use regexMatch(text, "pattern")'
  return new ExpressionError('EXPRESSION_FORBIDDEN', message, { range, suggestion: 'regexMatch' })
}

function unknown({ name, range }: Call): ExpressionError {
  const suggestion = suggest(name, [...forms.keys(), ...functions.keys()])
  const hint = suggestion ? `; did you mean ${suggestion}()?` : ''
  const message = `there is no function ${name}()${hint}`
  return new ExpressionError('EXPRESSION_UNKNOWN_FUNCTION', message, { range, suggestion })
}

function compileForm(form: SpecialForm, call: Call, place: Place): Evaluate {
  if (form.style !== 'either' && form.style !== call.style) {
    throw typeError(`${form.name}() is written ${form.signature}`).locate(call.range)
  }
  checkArity(form, call, form.arity)
  try {
    return form.compile(call.args, place)
  } catch (thrown) {
    throw located(thrown, call.range)
  }
}

function compileFunction(fn: PlainFunction, call: Call, place: Place): Evaluate {
  const { parameters } = fn
  const required = parameters.filter((parameter) => !parameter.optional).length
  checkArity(fn, call, { min: required, max: parameters.length })
  const args = call.args.map((node, i) => compileArgument(fn, node, i, place))
  return (frame) => {
    const values = args.map((evaluate) => evaluate(frame))
    try {
      frame.meter.spend(fn.visits)
      return fn.run(frame, ...values)
    } catch (thrown) {
      throw located(thrown, call.range)
    }
  }
}

function checkArity(
  fn: { name: string; signature: string },
  call: Call,
  { min, max }: { min: number; max: number },
): void {
  if (call.args.length >= min && call.args.length <= max) return
  throw typeError(`${fn.name}() does not take ${call.args.length} arguments: ${fn.signature}`).locate(
    call.range,
  )
}

/** An argument of the kind that its parameter asks for. */
function compileArgument(
  fn: PlainFunction,
  node: ASTNode,
  i: number,
  place: Place,
): (frame: Frame) => unknown {
  const { kind, name } = fn.parameters[i] as Parameter
  if (kind === 'regex') {
    const pattern = compilePattern(node)
    return () => pattern
  }
  const evaluate = place.compile(node, place)
  if (kind === 'any') return evaluate
  return (frame) => {
    const value = evaluate(frame)
    if (kindOf(value) !== kind) {
      throw typeError(`${fn.name}() needs a ${kind} as ${name}, but got ${aKind(value)}`).locate(node.range)
    }
    return typeof value === 'bigint' ? Number(value) : value
  }
}
