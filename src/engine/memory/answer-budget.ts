import type { Clock } from '../../lib/time/index.ts'
import { BlockError, type BlockAnswers } from '../block/index.ts'

/** The share of the size of the process's heap limit that answers which arrive may take outside of the heap. */
export const ANSWERS_HEAP_SHARE = 0.25

/** The share of a process's memory for answers that one owner may take. */
export const OWNER_ANSWERS_SHARE = 0.5

/** The bytes of an answer that are not counted. */
export const UNCOUNTED_ANSWER_BYTES = 64 * 1024

/**
 * How long an answer waits for memory until another answer of its owner that keeps arriving is ended for it, in milliseconds.
 */
export const ANSWER_WAIT_MS = 10_000

/** The code of a call whose answer was ended because it arrived slowly while other answers waited for its memory. */
export const ANSWER_TOO_SLOW = 'ANSWER_TOO_SLOW'

/** The answers of one owner. */
export type OwnerAnswers = Pick<BlockAnswers, 'open'>

/**
 * Bounds the bytes of answers from outside: while they arrive, and until their block has read them. They are outside of the heap, and
 * apart from the memory for values (`MemoryBudget`), so an answer that has arrived waits for that memory like any other.
 *
 * An answer that would exceed the share of its owner or of the process is not read on until other answers give memory back. Nothing
 * waits in a circle: while no answer of an owner can give any back, because all that hold some wait for more, the oldest of them
 * continues. So the process holds at most its part and one answer of each owner beyond it. When an answer has waited for
 * `ANSWER_WAIT_MS`, the answer of its owner that has been arriving longest ends with `ANSWER_TOO_SLOW`.
 */
export class AnswerBudget {
  readonly #maxBytes: number
  readonly #ownerMaxBytes: number
  readonly #owners = new Map<string, Owner>()
  #used = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
    this.#ownerMaxBytes = Math.floor(maxBytes * OWNER_ANSWERS_SHARE)
  }

  /** The bytes that answers hold in the process. */
  get bytesInUse(): number {
    return this.#used
  }

  /** Counts the answers of one owner. */
  of(ownerId: string): OwnerAnswers {
    return {
      open: ({ clock, end, mayWait = true }) => {
        const answer = new Answer(clock, end, mayWait)
        return {
          take: (bytes) => this.#take(ownerId, answer, bytes),
          arrived: () => void (answer.isArriving = false),
          close: () => this.#close(ownerId, answer),
        }
      },
    }
  }

  async #take(ownerId: string, answer: Answer, bytes: number): Promise<void> {
    answer.received += bytes
    const more = Math.max(0, answer.received - UNCOUNTED_ANSWER_BYTES) - answer.held
    if (more <= 0 || answer.isClosed) return
    const owner = this.#owners.get(ownerId) ?? new Owner()
    this.#owners.set(ownerId, owner)
    owner.answers.add(answer)
    if (!answer.mayWait || this.#fits(owner, more)) return this.#count(owner, answer, more)
    await new Promise<void>((resolve) => {
      answer.wait = { bytes: more, resolve, stopTimer: this.#watch(owner, answer) }
      this.#serve()
    })
  }

  #fits(owner: Owner, bytes: number): boolean {
    return this.#used + bytes <= this.#maxBytes && owner.used + bytes <= this.#ownerMaxBytes
  }

  #count(owner: Owner, answer: Answer, bytes: number): void {
    answer.held += bytes
    owner.used += bytes
    this.#used += bytes
  }

  /** Ends slow answers of the owner for as long as this one waits. Returns the function that stops it. */
  #watch(owner: Owner, answer: Answer): () => void {
    let stop = () => {}
    const arm = () => {
      stop = answer.clock.after(ANSWER_WAIT_MS, () => {
        arm()
        owner.endOldestArriving()
      })
    }
    arm()
    return () => stop()
  }

  /** Grants what fits: owners in turn, and of each the oldest answers first. */
  #serve(): void {
    let hasGranted = true
    while (hasGranted) {
      hasGranted = false
      for (const owner of this.#owners.values()) if (this.#grantOldest(owner)) hasGranted = true
    }
  }

  /** Whether an answer of the owner that waited continues. */
  #grantOldest(owner: Owner): boolean {
    for (const answer of owner.answers) {
      const { wait } = answer
      if (wait === null) continue
      if (!this.#fits(owner, wait.bytes) && owner.canGiveBack) return false
      answer.stopWaiting()
      this.#count(owner, answer, wait.bytes)
      wait.resolve()
      return true
    }
    return false
  }

  #close(ownerId: string, answer: Answer): void {
    if (answer.isClosed) return
    answer.isClosed = true
    const { wait } = answer
    answer.stopWaiting()
    wait?.resolve()
    const owner = this.#owners.get(ownerId)
    if (!owner?.answers.delete(answer)) return
    this.#count(owner, answer, -answer.held)
    if (owner.answers.size === 0) this.#owners.delete(ownerId)
    this.#serve()
  }
}

class Owner {
  used = 0
  /** Those that have taken memory or wait for it, the oldest first. */
  readonly answers = new Set<Answer>()

  /** Whether an answer holds memory that it gives back without waiting for more. */
  get canGiveBack(): boolean {
    for (const { wait, held } of this.answers) if (wait === null && held > 0) return true
    return false
  }

  endOldestArriving(): void {
    for (const { wait, held, isArriving, end } of this.answers) {
      if (wait !== null || held === 0 || !isArriving) continue
      return end(
        new BlockError(
          ANSWER_TOO_SLOW,
          'The answer kept arriving while other answers of this owner waited for memory. Ask for less at a time, such as a page of ' +
            'it, or make fewer calls at the same time.',
          { retryable: true },
        ),
      )
    }
  }
}

class Answer {
  readonly clock: Pick<Clock, 'after'>
  readonly end: (reason: BlockError) => void
  readonly mayWait: boolean
  received = 0
  held = 0
  isArriving = true
  isClosed = false
  wait: { readonly bytes: number; readonly resolve: () => void; readonly stopTimer: () => void } | null = null

  constructor(clock: Pick<Clock, 'after'>, end: (reason: BlockError) => void, mayWait: boolean) {
    this.clock = clock
    this.end = end
    this.mayWait = mayWait
  }

  stopWaiting(): void {
    this.wait?.stopTimer()
    this.wait = null
  }
}
