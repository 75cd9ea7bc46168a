/**
 * A text that counts how often it is read, and stops its reader when that was often enough. It has the methods of
 * String that re2js uses on its input. Where one search is linear, finding all matches is not: a pattern may look at the
 * whole rest of the text before it settles for one character, at every character. So what is paid for is what was read.
 */
export class CountedText {
  readonly #text: string
  readonly #stop: () => never
  #left: number

  /** `stop` throws; it is called when the text has been read more than `reads` times. */
  constructor(text: string, reads: number, stop: () => never) {
    this.#text = text
    this.#left = reads
    this.#stop = stop
  }

  /** re2js tells strings from bytes by this. */
  get [Symbol.toStringTag](): string {
    return 'String'
  }

  get length(): number {
    return this.#text.length
  }

  /** How many reads are left. */
  get left(): number {
    return this.#left
  }

  charCodeAt(index: number): number {
    if (--this.#left < 0) this.#stop()
    return this.#text.charCodeAt(index)
  }

  indexOf(part: string, from: number): number {
    const found = this.#text.indexOf(part, from)
    this.#left -= (found < 0 ? this.#text.length : found) - from
    if (this.#left < 0) this.#stop()
    return found
  }

  substring(start: number, end: number): string {
    return this.#text.substring(start, end)
  }

  toString(): string {
    return this.#text
  }
}
