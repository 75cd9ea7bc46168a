import type { Awaitable } from './awaitable.ts'
import { holdTurn, isTurnOver, PIECE_MS } from './loop-turn.ts'
import { yieldToEventLoop } from './yield-to-event-loop.ts'

/** Synchronous work that may be interrupted wherever it yields. */
export type Pieces<T> = Generator<undefined, T, unknown>

/** Does the work without an interruption. */
export function inOneGo<T>(pieces: Pieces<T>): T {
  for (;;) {
    const { done, value } = pieces.next()
    if (done) return value
  }
}

/**
 * Does the work at once while the turn of the event loop is held for less than `pieceMs` milliseconds, and continues it with
 * pauses where it takes longer.
 */
export function inPieces<T>(pieces: Pieces<T>, pieceMs = PIECE_MS): Awaitable<T> {
  while (!isTurnOver(pieceMs)) {
    const { done, value } = pieces.next()
    if (done) return value
  }
  return yieldToEventLoop().then(() => withPauses(pieces, pieceMs))
}

/** Does the work and lets the event loop turn whenever a turn was held for `pieceMs` milliseconds. */
export async function withPauses<T>(pieces: Pieces<T>, pieceMs = PIECE_MS): Promise<T> {
  return inTurns(pieces, () => {}, pieceMs)
}

/** The same, and hands the turn to others in each pause. */
export async function inTurns<T>(
  pieces: Pieces<T>,
  handOn: () => Awaitable<void>,
  pieceMs = PIECE_MS,
): Promise<T> {
  holdTurn()
  for (;;) {
    const { done, value } = pieces.next()
    if (done) return value
    if (!isTurnOver(pieceMs)) continue
    await yieldToEventLoop()
    await handOn()
  }
}
