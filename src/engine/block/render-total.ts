import { pointer, type Json, type JsonObject } from '../../lib/json/index.ts'
import type { Pieces } from '../../lib/turns/index.ts'

/** What a rendered value may have. */
export interface RenderLimits {
  /** Bytes of JSON text in UTF-8. */
  readonly maxBytes: number
  /** Estimated bytes of heap, as `jsonHeapSize` counts them. */
  readonly maxHeapBytes: number
  /** Strings, numbers, booleans, nulls, lists and objects. */
  readonly maxValues: number
}

/** A value became larger than its limits while it was rendered. */
export class RenderedTooLargeError extends Error {
  override readonly name = 'RenderedTooLargeError'
  /** Completes a sentence whose subject is the value: "has more than …". */
  readonly reason: string
  /** The JSON pointer of the part with which the limit was exceeded. */
  readonly pointer: string

  constructor(reason: string, at = '') {
    super(reason)
    this.reason = reason
    this.pointer = at
  }

  /** The same error, seen from the list or object that holds the part under this key. */
  inside(key: string | number): RenderedTooLargeError {
    return new RenderedTooLargeError(this.reason, pointer('', key) + this.pointer)
  }
}

interface Size {
  readonly bytes: number
  readonly heapBytes: number
  readonly values: number
}

interface Frame {
  readonly list: readonly Json[] | null
  readonly object: JsonObject
  readonly keys: readonly string[]
  readonly length: number
  next: number
}

// The least that `jsonHeapSize` counts for each kind of value.
const SCALAR_HEAP_BYTES = 8
const STRING_HEAP_BYTES = 24
const LIST_HEAP_BYTES = 40
const OBJECT_HEAP_BYTES = 64
const KEY_HEAP_BYTES = 8
/** What a value takes, roughly, beyond its text. */
const ROUGH_VALUE_BYTES = 32
const VALUES_PER_PIECE = 8_192

/** The sizes of the constants of plans, which all executions share. */
const constantSizes = new WeakMap<object, Size>()

/**
 * The size of a value so far, summed while the value is rendered: a value that refers to one large text a thousand times is
 * refused before any text is made of it. All three numbers are lower bounds: what is refused here is certainly too large.
 */
export class RenderTotal {
  readonly #limits: RenderLimits
  #bytes = 0
  #heapBytes = 0
  #values = 0

  constructor(limits: RenderLimits) {
    this.#limits = limits
  }

  /** About how many bytes of memory the value takes so far. */
  get roughBytes(): number {
    return this.#bytes + this.#values * ROUGH_VALUE_BYTES
  }

  /** Adds a list whose items are added one by one. */
  openList(): void {
    this.#open(LIST_HEAP_BYTES)
  }

  /** Adds an object whose keys and members are added one by one. */
  openObject(): void {
    this.#open(OBJECT_HEAP_BYTES)
  }

  addKey(key: string): void {
    this.#bytes += key.length + 3
    this.#heapBytes += KEY_HEAP_BYTES
  }

  /** Adds a value that holds no others. */
  addScalar(value: string | number | boolean | null): void {
    this.#scalar(value)
  }

  /** Adds a value and everything in it; throws `RenderedTooLargeError` as soon as the limits are exceeded. */
  *add(value: Json): Pieces<void> {
    if (isScalar(value)) return this.#scalar(value)
    const frames = [this.#frame(value)]
    for (let turn = 1; ; turn++) {
      const frame = frames[frames.length - 1]
      if (!frame) return
      if (turn % VALUES_PER_PIECE === 0) yield
      if (frame.next === frame.length) {
        frames.pop()
        continue
      }
      const at = frame.next++
      const member = (frame.list ? frame.list[at] : frame.object[frame.keys[at] ?? '']) ?? null
      if (isScalar(member)) this.#scalar(member)
      else frames.push(this.#frame(member))
    }
  }

  /** The same for a constant of a plan, which is walked once per process. */
  *addConstant(value: Json): Pieces<void> {
    if (this.addKnown(value) || isScalar(value)) return
    const { bytes, heapBytes, values } = this.#size
    yield* this.add(value)
    const after = this.#size
    constantSizes.set(value, {
      bytes: after.bytes - bytes,
      heapBytes: after.heapBytes - heapBytes,
      values: after.values - values,
    })
  }

  /** Adds a constant of a plan whose size is known; false where it is not. */
  addKnown(value: Json): boolean {
    if (isScalar(value)) {
      this.#scalar(value)
      return true
    }
    const known = constantSizes.get(value)
    if (!known) return false
    this.#bytes += known.bytes
    this.#heapBytes += known.heapBytes
    this.#values += known.values
    this.#check()
    return true
  }

  get #size(): Size {
    return { bytes: this.#bytes, heapBytes: this.#heapBytes, values: this.#values }
  }

  #frame(value: readonly Json[] | JsonObject): Frame {
    const list = isList(value) ? value : null
    const keys = list ? [] : Object.keys(value)
    if (list) this.openList()
    else this.openObject()
    for (const key of keys) this.addKey(key)
    const object = list ? {} : (value as JsonObject)
    return { list, object, keys, length: list ? list.length : keys.length, next: 0 }
  }

  #open(heapBytes: number): void {
    this.#values++
    this.#bytes += 2
    this.#heapBytes += heapBytes
    this.#check()
  }

  #scalar(value: string | number | boolean | null): void {
    this.#values++
    if (typeof value === 'string') {
      this.#bytes += value.length + 2
      this.#heapBytes += STRING_HEAP_BYTES + value.length
    } else {
      this.#bytes++
      this.#heapBytes += SCALAR_HEAP_BYTES
    }
    this.#check()
  }

  #check(): void {
    const { maxBytes, maxHeapBytes, maxValues } = this.#limits
    if (this.#bytes > maxBytes)
      throw new RenderedTooLargeError(`has more than ${maxBytes} bytes of JSON text`)
    if (this.#values > maxValues) throw new RenderedTooLargeError(`has more than ${maxValues} values`)
    if (this.#heapBytes > maxHeapBytes)
      throw new RenderedTooLargeError(`takes more than ${maxHeapBytes} bytes of memory`)
  }
}

/** Whether a value holds no others. */
export function isScalar(value: Json): value is string | number | boolean | null {
  return typeof value !== 'object' || value === null
}

function isList(value: readonly Json[] | JsonObject): value is readonly Json[] {
  return Array.isArray(value)
}
