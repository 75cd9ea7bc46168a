/** What searches may still cost together: the number of characters that are compared one by one. */
export interface SearchWork {
  left: number
}

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
/** A beginning of a needle that is shorter than that is not told from any other text. */
const BEGINNING_MIN_LENGTH = 6
/** A power of two. */
const FILTER_SIZE = 8_192

/**
 * Many texts that are searched for at once. Linear in the haystack whatever it and the needles are made of: a sample of
 * it is looked up in a table, which nearly always ends the search, and needles that it points to are searched for by
 * Knuth, Morris and Pratt, who never step back.
 */
export class Needles {
  readonly #needles = new Map<string, Needle>()
  readonly #byRun = new Map<number, Needle[]>()
  readonly #byBeginning = new Map<string, Needle[]>()
  /** Whether some needle has a run whose hash ends like that: most of a haystack is dismissed by one look. Null: there is no needle. */
  #filter: Uint8Array | null = null

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
    const filter = (this.#filter ??= new Uint8Array(FILTER_SIZE))
    this.#longest = Math.max(this.#longest, text.length)
    const beginning = text.slice(0, BEGINNING_MIN_LENGTH)
    put(this.#byBeginning, beginning, needle)
    // The end of a key is its own; how it begins ("sk-…") often is its kind's.
    for (let from = text.length - NEEDLE_MIN_LENGTH, last = from + RUN_COUNT; from < last; from++) {
      const hash = runHash(text, from)
      filter[hash & (FILTER_SIZE - 1)] = 1
      put(this.#byRun, hash, needle)
    }
  }

  /**
   * The places where needles stand, in order; those that overlap are given as one. Where the search costs more than is left of the work,
   * the whole haystack is the only place.
   */
  find(haystack: string, work: SearchWork = { left: Number.POSITIVE_INFINITY }): readonly Range[] {
    const ranges: Range[] = []
    for (const needle of this.#suspects(haystack)) {
      work.left -= needle.costIn(haystack)
      if (work.left < 0) return [{ start: 0, end: haystack.length }]
      ranges.push(...needle.find(haystack))
    }
    return ranges.length < 2 ? ranges : united(ranges)
  }

  /** The same for beginnings of needles that a break cuts off: `breaks` are the places before which a text may end. */
  findBroken(haystack: string, breaks: ReadonlySet<number>): readonly Range[] {
    const suspects = [...this.#byBeginning].filter(([beginning]) => haystack.includes(beginning))
    return united(
      suspects.flatMap(([, needles]) => needles.flatMap((one) => one.findBroken(haystack, breaks))),
    )
  }

  /** Those that may stand in the haystack; all others do not. */
  #suspects(haystack: string): ReadonlySet<Needle> {
    const suspects = new Set<Needle>()
    const filter = this.#filter
    if (!filter) return suspects
    for (let at = 0; at <= haystack.length - RUN_LENGTH; at += RUN_COUNT) {
      const hash = runHash(haystack, at)
      if (filter[hash & (FILTER_SIZE - 1)] === 0) continue
      for (const needle of this.#byRun.get(hash) ?? []) suspects.add(needle)
    }
    return suspects
  }
}

function put<Key>(lists: Map<Key, Needle[]>, key: Key, needle: Needle): void {
  const list = lists.get(key)
  if (list) list.push(needle)
  else lists.set(key, [needle])
}

/** What the engine's own search for a short text costs, as a part of a comparison character by character. */
const INCLUDES_COST = 1 / 8
/** The borders of longer needles are not kept. */
const KEPT_BORDERS_MAX_LENGTH = 1_024

class Needle {
  readonly #text: string
  /** Of each beginning, how long the longest other beginning is that it ends with. Made when it is first needed, and kept where short. */
  #borders: Int32Array | null = null

  constructor(text: string) {
    this.#text = text
  }

  /** What it costs to look for it. */
  costIn(haystack: string): number {
    const look = haystack.length * INCLUDES_COST
    return this.#mayBeIn(haystack) ? look + haystack.length + this.#text.length : look
  }

  #mayBeIn(haystack: string): boolean {
    return haystack.length >= this.#text.length && haystack.includes(this.#text.slice(-NEEDLE_MIN_LENGTH))
  }

  find(haystack: string): readonly Range[] {
    if (!this.#mayBeIn(haystack)) return []
    const ranges: { start: number; end: number }[] = []
    this.#scan(haystack, (end, matched) => {
      if (matched < this.#text.length) return
      const start = end - matched
      const last = ranges.at(-1)
      if (last && start < last.end) last.end = end
      else ranges.push({ start, end })
    })
    return ranges
  }

  findBroken(haystack: string, breaks: ReadonlySet<number>): readonly Range[] {
    const ranges: Range[] = []
    this.#scan(haystack, (end, matched) => {
      if (matched >= BEGINNING_MIN_LENGTH && breaks.has(end)) ranges.push({ start: end - matched, end })
    })
    return ranges
  }

  /** Tells of each place of the haystack how much of the needle, from its beginning on, stands before it. */
  #scan(haystack: string, tell: (end: number, matched: number) => void): void {
    const needle = this.#text
    const borders = this.#borders ?? bordersOf(needle)
    if (needle.length <= KEPT_BORDERS_MAX_LENGTH) this.#borders = borders
    let matched = 0
    for (let i = 0; i < haystack.length; i++) {
      const character = haystack.charCodeAt(i)
      if (matched === needle.length) matched = borders[matched - 1] ?? 0
      while (matched > 0 && needle.charCodeAt(matched) !== character) matched = borders[matched - 1] ?? 0
      if (needle.charCodeAt(matched) === character) matched++
      tell(i + 1, matched)
    }
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
  return hash
}

/** In order, those that overlap as one. */
export function united(ranges: readonly Range[]): readonly Range[] {
  const result: { start: number; end: number }[] = []
  for (const { start, end } of ranges.toSorted((a, b) => a.start - b.start)) {
    const last = result.at(-1)
    if (last && start < last.end) last.end = Math.max(last.end, end)
    else result.push({ start, end })
  }
  return result
}
