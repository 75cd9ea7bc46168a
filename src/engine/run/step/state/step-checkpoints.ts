import { deepFreeze, type Json } from '../../../../lib/json/index.ts'
import { BlockError } from '../../../block/index.ts'
import type { AttemptMemory } from '../../../memory/index.ts'
import type { StepSite } from '../../context/index.ts'

/** Maximum number of checkpoints of one step. Each has a different key. */
export const STEP_CHECKPOINTS_MAX_COUNT = 50_000

/** Maximum length of all checkpoints of one step together: keys, and values as JSON text, in characters. */
export const STEP_CHECKPOINTS_MAX_LENGTH = 8 * 1024 * 1024

/** The error code of a checkpoint beyond one of these limits. */
export const CHECKPOINTS_FULL = 'CHECKPOINTS_FULL'

/** Longer checkpoints of one step are not kept in memory between its attempts, in characters. */
const KEPT_MAX_LENGTH = 2_048

/** A character of a text takes at most this much heap, in bytes. */
const CHARACTER_HEAP_BYTES = 2

/** The memory that an entry takes beyond its texts, roughly and in bytes. */
const ENTRY_HEAP_BYTES = 128

type AttemptReads = Pick<AttemptMemory, 'takeToRead' | 'count'>

export interface StepCheckpointsOptions {
  readonly site: StepSite
  /** Whether the step has checkpoints on record. */
  readonly areOnRecord: boolean
}

/**
 * What the attempts of one step have recorded by `checkpoint`. The tables hold it: it is read when an attempt begins, once there is
 * memory for it, and long texts are forgotten when the attempt ends. In memory the values are JSON text, and each one is parsed when
 * the block reads it.
 */
export class StepCheckpoints {
  readonly #site: StepSite
  #areOnRecord: boolean
  /** By key, as JSON text. Null: they are on record only. */
  #texts: ReadonlyMap<string, string> | null
  #length = 0
  #values: { readonly [key: string]: Json } | null = null
  /** Of the attempt that runs. */
  #memory: AttemptReads | null = null

  constructor({ site, areOnRecord }: StepCheckpointsOptions) {
    this.#site = site
    this.#areOnRecord = areOnRecord
    this.#texts = areOnRecord ? null : NONE
  }

  get isEmpty(): boolean {
    return !this.#areOnRecord
  }

  /** An attempt begins: brings them into memory. The attempt has taken no memory before. Null: nothing has to be read. */
  open(memory: AttemptReads): null | Promise<void> {
    this.#memory = memory
    return this.#texts ? null : this.#read(memory)
  }

  async #read(memory: AttemptReads): Promise<void> {
    const { run, path } = this.#site
    const { journal } = run.ports
    const { bytes, count } = await journal.checkpointsSize(path)
    await memory.takeToRead(bytes * CHARACTER_HEAP_BYTES + count * ENTRY_HEAP_BYTES)
    this.#texts = new Map(await journal.checkpoints(path))
    this.#length = 0
    for (const [key, text] of this.#texts) this.#length += key.length + text.length
  }

  /** The attempt has ended. Checkpoints are not read again before the next attempt begins. */
  close(): void {
    this.#values = null
    this.#memory = null
    if (this.#length > KEPT_MAX_LENGTH) this.#texts = null
  }

  /** By key; each value is parsed when it is read. */
  get values(): { readonly [key: string]: Json } {
    return (this.#values ??= lazilyParsed(this.#texts ?? NONE))
  }

  /** Throws the `BlockError` `CHECKPOINTS_FULL` where one more value of that length exceeds a limit. */
  requireRoom(key: string, textLength: number): void {
    const before = this.#texts?.get(key)
    const count = (this.#texts?.size ?? 0) + (before === undefined ? 1 : 0)
    const more = before === undefined ? key.length + textLength : textLength - before.length
    const isFull = count > STEP_CHECKPOINTS_MAX_COUNT || this.#length + more > STEP_CHECKPOINTS_MAX_LENGTH
    // A shorter value in place of another one always fits.
    if (isFull && more > 0) throw full(key)
  }

  /** The value is committed, as this JSON text. */
  put(key: string, text: string): void {
    this.#areOnRecord = true
    this.#values = null
    if (!this.#texts) return
    const texts = this.#texts === NONE ? new Map<string, string>() : (this.#texts as Map<string, string>)
    this.#texts = texts
    const before = texts.get(key)
    if (before === undefined) this.#memory?.count(ENTRY_HEAP_BYTES + CHARACTER_HEAP_BYTES * text.length)
    this.#length += before === undefined ? key.length + text.length : text.length - before.length
    texts.set(key, text)
  }
}

const NONE: ReadonlyMap<string, string> = new Map()

function full(key: string): BlockError {
  return new BlockError(
    CHECKPOINTS_FULL,
    `The checkpoint "${key}" is one too many: a step records at most ${STEP_CHECKPOINTS_MAX_COUNT} checkpoints, and at most ` +
      `${STEP_CHECKPOINTS_MAX_LENGTH} characters of them together. Record under a key that exists already, which replaces its value, ` +
      'record less, or divide the work between steps, such as the items of a `core.forEach`.',
  )
}

function lazilyParsed(texts: ReadonlyMap<string, string>): { readonly [key: string]: Json } {
  const values = {}
  for (const [key, text] of texts) {
    Object.defineProperty(values, key, {
      enumerable: true,
      get: () => deepFreeze(JSON.parse(text) as Json),
    })
  }
  return values
}
