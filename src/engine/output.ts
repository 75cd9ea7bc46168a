import { deepFreeze, type Json } from '../lib/json.ts'
import { toPlainJson } from '../lib/plain-json.ts'
import type { Scrubber } from './scrub.ts'

/** An output as it is recorded, and as it flows on. */
export interface ReadOutput {
  readonly kind: 'output'
  readonly text: string
  /** The length of the text in UTF-8. */
  readonly bytes: number
  readonly value: Json
}

export interface RefusedOutput {
  readonly kind: 'refused'
  readonly code: 'OUTPUT_INVALID' | 'OUTPUT_TOO_LARGE'
  readonly message: string
}

/** An output, as JSON text in UTF-8 (D6). */
const OUTPUT_MAX_BYTES = 4 * 1024 * 1024

/**
 * E8: what flows on is exactly what is recorded, so it is scrubbed first, and nobody can change it. `hint` says how to
 * return less.
 */
export function readOutput(
  output: unknown,
  { hint, scrubber }: { readonly hint: string; readonly scrubber?: Pick<Scrubber, 'json'> },
): ReadOutput | RefusedOutput {
  const plain = toPlainJson(output)
  if (!plain.ok) {
    const { pointer, reason } = plain.problem
    const message = `The output is not plain JSON: the value at "${pointer}" ${reason}.`
    return { kind: 'refused', code: 'OUTPUT_INVALID', message }
  }
  const bytes = Buffer.byteLength(plain.text)
  if (bytes > OUTPUT_MAX_BYTES) {
    const message = `The output has ${bytes} bytes; ${OUTPUT_MAX_BYTES} are allowed. ${hint}`
    return { kind: 'refused', code: 'OUTPUT_TOO_LARGE', message }
  }
  const text = scrubber?.json(plain.text) ?? plain.text
  if (text === plain.text) return { kind: 'output', text, bytes, value: deepFreeze(plain.value) }
  return { kind: 'output', text, bytes: Buffer.byteLength(text), value: deepFreeze(JSON.parse(text) as Json) }
}
