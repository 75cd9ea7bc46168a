/** Nobody reads longer words letter by letter, and comparing them is dear. */
const MAX_LENGTH = 64
const MAX_DISTANCE = 5
/** How many candidates are compared with one word. */
const MAX_CANDIDATES = 1_000

/**
 * The candidate that a misspelt word most likely meant, or null when none is near: about a third of the letters may be
 * missing, added or others, five at most, capitals aside. Of more than 1,000 candidates only the first 1,000 count.
 */
export function closest(word: string, candidates: Iterable<string>): string | null {
  if (word.length > MAX_LENGTH) return null
  const from = word.toLowerCase()
  let best: string | null = null
  let limit = word.length < 4 ? 1 : Math.min(MAX_DISTANCE, Math.max(2, Math.floor(word.length / 3)))
  let seen = 0
  for (const candidate of candidates) {
    if (++seen > MAX_CANDIDATES) break
    if (Math.abs(candidate.length - word.length) > limit) continue
    const distance = editDistance(from, candidate.toLowerCase(), limit)
    if (distance > limit) continue
    best = candidate
    limit = distance - 1
    if (limit < 0) break
  }
  return best
}

/** Levenshtein distance, or anything over `limit` when it is more: only the cells near the diagonal are looked at. */
function editDistance(from: string, to: string, limit: number): number {
  const beyond = limit + 1
  let previous = Uint8Array.from({ length: to.length + 1 }, (_, i) => Math.min(i, beyond))
  let row = new Uint8Array(to.length + 1)
  for (let i = 1; i <= from.length; i++) {
    const first = Math.max(1, i - limit)
    const last = Math.min(to.length, i + limit)
    row[first - 1] = first === 1 ? Math.min(i, beyond) : beyond
    let least = row[first - 1] ?? beyond
    for (let j = first; j <= last; j++) {
      const substituted = (previous[j - 1] ?? beyond) + (from[i - 1] === to[j - 1] ? 0 : 1)
      const distance = Math.min((previous[j] ?? beyond) + 1, (row[j - 1] ?? beyond) + 1, substituted, beyond)
      row[j] = distance
      if (distance < least) least = distance
    }
    if (least > limit) return beyond
    if (last < to.length) row[last + 1] = beyond
    ;[previous, row] = [row, previous]
  }
  return previous[to.length] ?? beyond
}
