/** What other languages call the functions of this one. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['length', 'size'],
  ['len', 'size'],
  ['count', 'size'],
  ['lowercase', 'lower'],
  ['tolowercase', 'lower'],
  ['uppercase', 'upper'],
  ['touppercase', 'upper'],
  ['includes', 'contains'],
  ['some', 'exists'],
  ['any', 'exists'],
  ['every', 'all'],
  ['find', 'filter'],
  ['coalesce', 'default'],
  ['tostring', 'string'],
  ['parsefloat', 'number'],
  ['tonumber', 'number'],
  ['stringify', 'json'],
  ['tojson', 'json'],
  ['fromjson', 'parseJson'],
  ['slicestring', 'substring'],
  ['average', 'avg'],
  ['mean', 'avg'],
  ['unique', 'uniq'],
  ['distinct', 'uniq'],
  ['orderby', 'sortBy'],
  ['concat', 'join'],
  ['assign', 'merge'],
  ['date', 'timestamp'],
])

/** The name that was probably meant; undefined when none is near. */
export function suggest(name: string, candidates: Iterable<string>): string | undefined {
  const word = name.toLowerCase()
  const alias = ALIASES.get(word)
  if (alias) return alias
  let best: string | undefined
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1
  for (const candidate of candidates) {
    const distance = editDistance(word, candidate.toLowerCase())
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance]
  }
  return best
}

/** How many characters must be put in, left out, replaced or swapped with the next (optimal string alignment). */
function editDistance(from: string, to: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: to.length + 1 }, (_, j) => j)
  for (let i = 1; i <= from.length; i++) {
    const row = [i]
    for (let j = 1; j <= to.length; j++) {
      const replaced = at(last, j - 1) + (from[i - 1] === to[j - 1] ? 0 : 1)
      const swaps = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]
      const swapped = swaps ? at(beforeLast, j - 2) + 1 : Infinity
      row.push(Math.min(replaced, swapped, at(last, j) + 1, at(row, j - 1) + 1))
    }
    ;[beforeLast, last] = [last, row]
  }
  return at(last, to.length)
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Infinity
}
