import { shorten } from '../../lib/text/index.ts'

/** One way in which an input does not satisfy its schema. */
export interface InputProblem {
  /** JSON pointer into the input. */
  readonly pointer: string
  readonly message: string
}

/** Maximum number of problems that are listed for one value. */
export const PROBLEMS_MAX = 100
/** The pointers and messages of the problems that are listed for one value, together, in UTF-16 units. */
export const PROBLEMS_MAX_TEXT = 65_536
/** The pointer or the message of one problem, in UTF-16 units; the rest is cut off. */
export const PROBLEM_MAX_TEXT = 4_096

/**
 * Lists what is wrong with a value, up to a number and up to a length of the text, because keys that the author of the value
 * chose repeat in it. `toProblem` is called only for what is listed. The last entry counts what is left out.
 */
export function listProblems<T>(
  found: readonly T[],
  toProblem: (one: T) => InputProblem,
): readonly InputProblem[] {
  const listed: InputProblem[] = []
  let text = 0
  for (const one of found) {
    if (listed.length === PROBLEMS_MAX) break
    const problem = shortened(toProblem(one))
    text += problem.pointer.length + problem.message.length
    if (text > PROBLEMS_MAX_TEXT) break
    listed.push(problem)
  }
  const left = found.length - listed.length
  return left === 0 ? listed : [...listed, { pointer: '', message: `and ${left} more` }]
}

function shortened({ pointer, message }: InputProblem): InputProblem {
  return { pointer: cut(pointer), message: cut(message) }
}

function cut(text: string): string {
  return text.length > PROBLEM_MAX_TEXT ? shorten(text, PROBLEM_MAX_TEXT) : text
}
