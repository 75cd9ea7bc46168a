import { inTurns, OwnerTurns, withPauses, type Awaitable, type Pieces } from '../lib/turns/index.ts'
import type { OwnerId } from '../lib/index.ts'

/** A draft with at most this much text, in bytes, and at most `SMALL_DRAFT_MAX_VALUES` values is saved at once. */
export const SMALL_DRAFT_MAX_BYTES = 64 * 1024
/** Lists, objects and scalars of a draft that is saved at once. */
export const SMALL_DRAFT_MAX_VALUES = 4_000
/** Maximum number of saves and publications of large drafts of one owner that wait; one more is refused with `VALIDATION_BUSY`. */
export const LARGE_DRAFTS_MAX_WAITING = 200

/** How large a draft is, as far as it is known. */
export interface DraftSize {
  readonly bytes: number
  readonly values: number
}

/** The turn in which a draft is read and stored. */
export interface DraftTurn {
  /** Does work in pieces, and hands the turn to another owner after each. */
  inPieces<T>(work: Pieces<T>): Promise<T>
  /** Waits for an answer, such as that of the database. Other owners take turns meanwhile. */
  outside<T>(answer: Promise<T>): Promise<T>
}

const NO_TURN: DraftTurn = { inPieces: (work) => withPauses(work), outside: (answer) => answer }

/**
 * Saves and publishes large drafts one at a time per process. Owners take turns, and one owner's drafts follow each other in
 * the order in which they came, so the memory that drafts take on their way is bounded by the number of owners.
 */
export class DraftTurns {
  readonly #turns = new OwnerTurns({
    what: 'saves and publications of large drafts',
    maxWaiting: LARGE_DRAFTS_MAX_WAITING,
    allowance: null,
  })

  /** Does work with a draft of this size, at once where it is small. Rejects with `OwnerBusyError` when too many wait. */
  run<T>(ownerId: OwnerId, { bytes, values }: DraftSize, work: (turn: DraftTurn) => Promise<T>): Promise<T> {
    if (bytes <= SMALL_DRAFT_MAX_BYTES && values <= SMALL_DRAFT_MAX_VALUES) return work(NO_TURN)
    return this.#turns.run(ownerId, (turn) => {
      const handOn = (): Awaitable<void> => turn.handOn()
      return work({
        inPieces: (pieces) => inTurns(pieces, handOn),
        outside: (answer) => turn.outside(answer),
      })
    })
  }
}
