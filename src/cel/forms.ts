import type { ASTNode } from '@marcbachmann/cel-js'
import { given, syntaxError, type SpecialForm } from './form.ts'
import { LOOP_FORMS } from './loops.ts'
import { PRESENCE_FORMS } from './presence.ts'
import { bind, type Evaluate, type Place } from './values/index.ts'

/** The calls that decide themselves what of their arguments is evaluated, and when. */
export const FORMS: readonly SpecialForm[] = [
  ...PRESENCE_FORMS,
  ...LOOP_FORMS,
  {
    name: 'cel.bind',
    group: 'loops',
    signature: 'cel.bind(x, value, body): any',
    description: 'The body, in which `x` stands for the value, computed once.',
    example: 'cel.bind(n, 2 + 3, n * n)',
    result: 25,
    arity: { min: 3, max: 3 },
    style: 'call',
    compile: compileBind,
  },
]

function compileBind([name, value, body]: readonly ASTNode[], place: Place): Evaluate {
  const bound = given(name)
  if (bound.op !== 'id') throw syntaxError('the first argument of cel.bind() is a name', bound.range)
  const evaluate = place.compile(given(value), place)
  const { inner, slot } = bind(place, bound.args)
  const evaluateBody = place.compile(given(body), inner)
  return (frame) => {
    frame.locals[slot] = evaluate(frame)
    return evaluateBody(frame)
  }
}
