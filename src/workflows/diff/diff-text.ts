import { LumeError } from '../../lib/index.ts'

/**
 * The paths of nodes and edges of two definitions and the pointers of their differences, together, in UTF-16 units. A long
 * key or node id repeats in the pointer or path of everything under it.
 */
export const DIFF_MAX_TEXT = 16 * 1024 * 1024

/** Two definitions cannot be compared: what names their differences is longer than `DIFF_MAX_TEXT`. */
export class DiffTooLargeError extends LumeError {
  constructor() {
    super(
      'DIFF_TOO_LARGE',
      `The paths and pointers of what differs have more than ${DIFF_MAX_TEXT} characters together. Long keys, or long ids of loops, repeat in those of everything under them: shorten them, or compare versions that differ less.`,
    )
  }
}

/** Counts the text of one comparison. */
export class DiffText {
  #left = DIFF_MAX_TEXT

  /** Counts a path or a pointer before it is made; throws `DiffTooLargeError`. */
  count(length: number): void {
    this.#left -= length
    if (this.#left < 0) throw new DiffTooLargeError()
  }

  /** The same for a text that exists, which it returns. */
  counted(text: string): string {
    this.count(text.length)
    return text
  }
}
