import { JsonText } from '../../lib/json/index.ts'

/** Maximum number of values of one answer, those inside of JSON values that are not written as they are stored included. */
export const ANSWER_MAX_WRITTEN_VALUES = 500_000

export interface AnswerExcess {
  /** The fields that lead to the value at which the limit was exceeded: `workflows.edges.node.graph`. */
  readonly place: string
  readonly kind: 'characters' | 'values'
}

interface Frame {
  readonly name: string
  readonly members: readonly (readonly [name: string, value: unknown])[] | readonly unknown[]
  readonly isList: boolean
  next: number
}

/**
 * Measures an answer before it is written: one value may stand in it many times, under aliases for instance, and takes no
 * memory until then. Stops at the first limit. Null: the answer is within both.
 */
export function excessOf(answer: unknown, maxCharacters: number): AnswerExcess | null {
  const frames: Frame[] = []
  let characters = 0
  let values = 0
  const enter = (name: string, value: unknown) => {
    values++
    if (typeof value === 'string') characters += value.length + 2
    else if (value instanceof JsonText) characters += value.text.length
    else if (typeof value !== 'object' || value === null || value instanceof Date) characters += 8
    else if (Array.isArray(value)) frames.push({ name, members: value, isList: true, next: 0 })
    else frames.push({ name, members: Object.entries(value), isList: false, next: 0 })
  }
  enter('', answer)
  for (let frame = frames.at(-1); frame; frame = frames.at(-1)) {
    if (characters > maxCharacters || values > ANSWER_MAX_WRITTEN_VALUES) {
      const kind = characters > maxCharacters ? 'characters' : 'values'
      return { place: placeOf(frames), kind }
    }
    if (frame.next >= frame.members.length) frames.pop()
    else if (frame.isList) {
      characters += 1
      enter('', frame.members[frame.next++])
    } else {
      const [name, value] = frame.members[frame.next++] as readonly [string, unknown]
      characters += name.length + 4
      enter(name, value)
    }
  }
  return characters > maxCharacters ? { place: placeOf(frames), kind: 'characters' } : null
}

/** Characters of the place of an excess that a message may hold. */
const PLACE_MAX_LENGTH = 200

function placeOf(frames: readonly Frame[]): string {
  const names = frames.flatMap(({ name, isList, members, next }) => {
    const entered = isList ? undefined : (members[next - 1] as readonly [string, unknown] | undefined)
    return frames.at(-1)?.members === members && entered ? [name, entered[0]] : [name]
  })
  return names.filter(Boolean).join('.').slice(0, PLACE_MAX_LENGTH)
}
