import type { Range } from './needles.ts'

// Of four dots, the first may belong to the text.
const BEFORE_ELLIPSIS = /(?=…|\.{3})|$/g

/**
 * Where a text may have been cut: at its end and before every ellipsis, and where white space or half a character, which the
 * cut may have left, begins before these.
 */
export function breaksIn(text: string): ReadonlySet<number> {
  const breaks = new Set<number>()
  for (const { index } of text.matchAll(BEFORE_ELLIPSIS)) {
    breaks.add(index)
    let end = index
    while (end > 0 && isRemnant(text.charAt(end - 1)) && !breaks.has(end - 1)) end--
    breaks.add(end)
  }
  return breaks
}

function isRemnant(character: string): boolean {
  return character === '\uFFFD' || character.trim() === ''
}

// V8 shows at most 20 characters of what it cannot read, cut at both ends.
const JSON_QUOTE = /(?:\.\.\.)?"(?<quote>[^]{1,40}?)"(?:\.\.\.)? is not valid JSON/g

/** What `JSON.parse` quotes of a text in its message. */
export function jsonQuotesIn(text: string): readonly Range[] {
  if (!text.includes('is not valid JSON')) return []
  return [...text.matchAll(JSON_QUOTE)].map(({ index, 0: whole, groups }) => {
    const start = index + whole.indexOf('"') + 1
    return { start, end: start + (groups?.['quote'] ?? '').length }
  })
}
