import { randomUUID } from 'node:crypto'

/** What stands for a text while the value around it is serialised. No client knows it, so no value can contain it. */
const MARK = randomUUID()
const WRITTEN_MARK = JSON.stringify(MARK)

/** The texts that the serialisation under way has come to; null: no serialisation by `stringifyWithTexts` is under way. */
let met: string[] | null = null

/**
 * A JSON value in the form of its text. `stringifyWithTexts` writes the text as it is; `JSON.stringify` parses it first,
 * with the same result.
 */
export class JsonText {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  toJSON(): unknown {
    if (met === null) return JSON.parse(this.text)
    met.push(this.text)
    return MARK
  }
}

/** `JSON.stringify` that writes the texts of `JsonText` values without reading them. */
export function stringifyWithTexts(value: unknown): string {
  const texts: string[] = []
  const around = met
  met = texts
  let frame: string
  try {
    frame = JSON.stringify(value)
  } finally {
    met = around
  }
  if (texts.length === 0) return frame
  const pieces = frame.split(WRITTEN_MARK)
  return pieces.map((piece, index) => piece + (texts[index] ?? '')).join('')
}

/** The text of an object whose members are texts of values; null stands for a member that is null. */
export function objectText(members: readonly (readonly [name: string, value: JsonText | null])[]): JsonText {
  const written = members.map(([name, value]) => `${JSON.stringify(name)}:${value?.text ?? 'null'}`)
  return new JsonText(`{${written.join(',')}}`)
}
