// What samples are made of: the same from the same random numbers.

/** One of several. */
export function pick<T>(choices: readonly T[], random: () => number): T {
  return choices[wholeBelow(choices.length, random)] as T
}

/** A whole number from 0, below the limit. */
export function wholeBelow(limit: number, random: () => number): number {
  return Math.floor(random() * limit)
}

/** A text of the given length. */
export function lettersOf(alphabet: string, length: number, random: () => number): string {
  return Array.from({ length }, () => alphabet.charAt(wholeBelow(alphabet.length, random))).join('')
}

/** Letters and digits of ASCII, as in addresses. */
export function slugOf(text: string): string {
  return text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '')
}

export function capitalised(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}
