import { assertNever } from '../../lib/index.ts'

/** Maximum number of values (texts, numbers, booleans, nulls, objects and lists; keys do not count) of one JSON body. */
export const BODY_MAX_VALUES = 200_000
/**
 * Maximum nesting of objects and lists of one JSON body. The engine bounds inputs and definitions to 500 levels with
 * typed errors, and a request adds a few levels around them.
 */
export const BODY_MAX_DEPTH = 1_000
/**
 * Maximum number of members of one object of a JSON body. JavaScript keeps objects of many members as hash tables, whose
 * every use costs ten times that of a list of the same length.
 */
export const BODY_MAX_MEMBERS = 50_000

export interface StructureLimits {
  readonly maxValues: number
  readonly maxDepth: number
  readonly maxMembers: number
}

export const BODY_STRUCTURE: StructureLimits = {
  maxValues: BODY_MAX_VALUES,
  maxDepth: BODY_MAX_DEPTH,
  maxMembers: BODY_MAX_MEMBERS,
}

/** The limit that a body exceeds. */
export type StructureExcess = 'values' | 'depth' | 'members'

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_LIST = 0x5b
const BACKSLASH = 0x5c
const CLOSE_LIST = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const SPACE = 0x20

/**
 * Counts the values and the nesting of a JSON text in UTF-8 on its bytes, chunk by chunk, before anything is parsed: what
 * the text costs to parse and to walk is known before it is paid. All that has a meaning in JSON is ASCII, so a character
 * may be cut in two between chunks. For a text that is not JSON the counts are those of its start; parsing then fails.
 */
export class JsonStructure {
  readonly #limits: StructureLimits
  /** Whether each open container is an object. Both lists grow with the depth: most texts are flat, and many are short. */
  readonly #isObject: boolean[] = []
  /** The number of keys so far of each open object. */
  readonly #members: number[] = []
  #values = 0
  #depth = 0
  #isInText = false
  #isEscaped = false
  /** In a number, `true`, `false` or `null`. */
  #isInWord = false
  /** The next text is the key of an object. */
  #isKeyNext = false
  #excess: StructureExcess | null = null

  constructor(limits: StructureLimits = BODY_STRUCTURE) {
    this.#limits = limits
  }

  /** The number of values so far. */
  get values(): number {
    return this.#values
  }

  /** Reads the next bytes. Returns the limit that is exceeded by now; no more is read then. */
  write(chunk: Uint8Array): StructureExcess | null {
    const { maxValues, maxDepth, maxMembers } = this.#limits
    for (let at = 0; at < chunk.length && this.#excess === null; at++) {
      const byte = chunk[at] ?? 0
      if (this.#isInText) {
        if (this.#isEscaped) this.#isEscaped = false
        else if (byte === BACKSLASH) this.#isEscaped = true
        else if (byte === QUOTE) this.#isInText = false
        continue
      }
      switch (byte) {
        case QUOTE:
          this.#isInText = true
          this.#isInWord = false
          if (!this.#isKeyNext) this.#values++
          else if (this.#addMember() > maxMembers) this.#excess = 'members'
          this.#isKeyNext = false
          break
        case OPEN_LIST:
        case OPEN_OBJECT:
          this.#isInWord = false
          this.#values++
          if (this.#depth >= maxDepth) this.#excess = 'depth'
          else this.#open(byte === OPEN_OBJECT)
          this.#isKeyNext = byte === OPEN_OBJECT
          break
        case CLOSE_LIST:
        case CLOSE_OBJECT:
          this.#isInWord = false
          this.#isKeyNext = false
          if (this.#depth > 0) this.#depth--
          break
        case COMMA:
          this.#isInWord = false
          this.#isKeyNext = this.#depth > 0 && this.#isObject[this.#depth - 1] === true
          break
        case COLON:
          this.#isInWord = false
          this.#isKeyNext = false
          break
        default:
          if (byte <= SPACE) this.#isInWord = false
          else if (!this.#isInWord) {
            this.#isInWord = true
            this.#values++
          }
      }
      if (this.#values > maxValues) this.#excess ??= 'values'
    }
    return this.#excess
  }

  #open(isObject: boolean): void {
    this.#isObject[this.#depth] = isObject
    this.#members[this.#depth] = 0
    this.#depth++
  }

  /** Counts a key of the innermost object, and returns how many it has. */
  #addMember(): number {
    const count = (this.#members[this.#depth - 1] ?? 0) + 1
    this.#members[this.#depth - 1] = count
    return count
  }
}

/** The limit that a whole JSON text exceeds, or null. */
export function structureExcessOf(text: Uint8Array, limits = BODY_STRUCTURE): StructureExcess | null {
  return new JsonStructure(limits).write(text)
}

/** What a client reads about a body that exceeds a limit. */
export function tooComplexMessage(excess: StructureExcess, limits = BODY_STRUCTURE): string {
  switch (excess) {
    case 'values':
      return `A request has at most ${limits.maxValues} JSON values (texts, numbers, booleans, nulls, objects and lists).`
    case 'depth':
      return `A request nests JSON objects and lists at most ${limits.maxDepth} levels deep.`
    case 'members':
      return `An object in a request has at most ${limits.maxMembers} members; send a list instead.`
    default:
      return assertNever(excess)
  }
}
