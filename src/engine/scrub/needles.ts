/** Where a text stands in another: from `start`, up to but without `end`. */
export interface Range {
  readonly start: number
  readonly end: number
}

/** No text that is searched for may be shorter: the samples below rest on it. */
export const NEEDLE_MIN_LENGTH = 8

// A text of 8 characters holds 5 runs of 4 characters, so every fifth run of the haystack is enough to meet one of them.
const RUN_LENGTH = 4
const RUN_COUNT = NEEDLE_MIN_LENGTH - RUN_LENGTH + 1
const FILTER_SIZE = 8_192

/**
 * Many texts that are searched for at once. Linear in the haystack whatever it and the needles are made of: a sample of
 * it is looked up in a table, which nearly always ends the search, and needles that it points to are searched for by
 * Knuth, Morris and Pratt, who never step back.
 */
export class Needles {
  readonly #needles = new Map<string, Needle>()
  readonly #byRun = new Map<number, Needle[]>()
  /** Whether some needle has a run whose hash ends like that: most of a haystack is dismissed by one look. */
  readonly #filter = new Uint8Array(FILTER_SIZE)

  #longest = 0

  get size(): number {
    return this.#needles.size
  }

  get longest(): number {
    return this.#longest
  }

  add(text: string): void {
    if (text.length < NEEDLE_MIN_LENGTH) throw new RangeError(`a needle has ${NEEDLE_MIN_LENGTH} characters`)
    if (this.#needles.has(text)) return
    const needle = new Needle(text)
    this.#needles.set(text, needle)
    this.#longest = Math.max(this.#longest, text.length)
    // The end of a key is its own; how it begins ("sk-…") often is its kind's.
    for (let from = text.length - NEEDLE_MIN_LENGTH, last = from + RUN_COUNT; from < last; from++) {
      const hash = runHash(text, from)
      this.#filter[hash % FILTER_SIZE] = 1
      this.#byRun.set(hash, [...(this.#byRun.get(hash) ?? []), needle])
    }
  }

  /** The places where needles stand, in order; those that overlap are given as one. */
  find(haystack: string): readonly Range[] {
    const ranges = [...this.#suspects(haystack)].flatMap((needle) => needle.find(haystack))
    return ranges.length < 2 ? ranges : united(ranges)
  }

  /** Those that may stand in the haystack; all others do not. */
  #suspects(haystack: string): ReadonlySet<Needle> {
    const suspects = new Set<Needle>()
    for (let at = 0; at <= haystack.length - RUN_LENGTH; at += RUN_COUNT) {
      const hash = runHash(haystack, at)
      if (this.#filter[hash % FILTER_SIZE] === 0) continue
      for (const needle of this.#byRun.get(hash) ?? []) suspects.add(needle)
    }
    return suspects
  }
}

class Needle {
  readonly #text: string
  /** Of each beginning, how long the longest other beginning is that it ends with. Made when it is first needed. */
  #borders: Int32Array | null = null

  constructor(text: string) {
    this.#text = text
  }

  find(haystack: string): readonly Range[] {
    const needle = this.#text
    if (!haystack.includes(needle.slice(-NEEDLE_MIN_LENGTH))) return []
    this.#borders ??= bordersOf(needle)
    const borders = this.#borders
    const ranges: { start: number; end: number }[] = []
    let matched = 0
    for (let i = 0; i < haystack.length; i++) {
      const character = haystack.charCodeAt(i)
      while (matched > 0 && needle.charCodeAt(matched) !== character) matched = borders[matched - 1] ?? 0
      if (needle.charCodeAt(matched) === character) matched++
      if (matched < needle.length) continue
      const start = i + 1 - needle.length
      const last = ranges.at(-1)
      if (last && start < last.end) last.end = i + 1
      else ranges.push({ start, end: i + 1 })
      matched = borders[matched - 1] ?? 0
    }
    return ranges
  }
}

function bordersOf(text: string): Int32Array {
  const borders = new Int32Array(text.length)
  let length = 0
  for (let i = 1; i < text.length; i++) {
    while (length > 0 && text.charCodeAt(i) !== text.charCodeAt(length)) length = borders[length - 1] ?? 0
    if (text.charCodeAt(i) === text.charCodeAt(length)) length++
    borders[i] = length
  }
  return borders
}

function runHash(text: string, at: number): number {
  let hash = text.charCodeAt(at)
  for (let i = at + 1; i < at + RUN_LENGTH; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0
  return hash >>> 0
}

function united(ranges: readonly Range[]): readonly Range[] {
  const result: { start: number; end: number }[] = []
  for (const { start, end } of ranges.toSorted((a, b) => a.start - b.start)) {
    const last = result.at(-1)
    if (last && start < last.end) last.end = Math.max(last.end, end)
    else result.push({ start, end })
  }
  return result
}
