import type { Awaitable } from './awaitable.ts'
import { yieldToEventLoop } from './yield-to-event-loop.ts'

/** Synchronous work that may be interrupted wherever it yields. */
export type Pieces<T> = Generator<undefined, T, unknown>

/** How long pieces of one work run before others get the thread, in milliseconds. */
export const PIECE_MS = 10

/** Does the work without an interruption. */
export function inOneGo<T>(pieces: Pieces<T>): T {
  for (;;) {
    const { done, value } = pieces.next()
    if (done) return value
  }
}

/** Does the work at once while it takes less than `pieceMs` milliseconds, and continues it with pauses where it takes longer. */
export function inPieces<T>(pieces: Pieces<T>, pieceMs = PIECE_MS): Awaitable<T> {
  const startedAt = performance.now()
  for (;;) {
    const { done, value } = pieces.next()
    if (done) return value
    if (performance.now() - startedAt >= pieceMs)
      return yieldToEventLoop().then(() => withPauses(pieces, pieceMs))
  }
}

/** Does the work and lets the event loop turn after every `pieceMs` milliseconds of it. */
export async function withPauses<T>(pieces: Pieces<T>, pieceMs = PIECE_MS): Promise<T> {
  return inTurns(pieces, () => {}, pieceMs)
}

/** The same, and hands the turn to others in each pause. */
export async function inTurns<T>(
  pieces: Pieces<T>,
  handOn: () => Awaitable<void>,
  pieceMs = PIECE_MS,
): Promise<T> {
  let startedAt = performance.now()
  for (;;) {
    const { done, value } = pieces.next()
    if (done) return value
    if (performance.now() - startedAt < pieceMs) continue
    await yieldToEventLoop()
    await handOn()
    startedAt = performance.now()
  }
}
