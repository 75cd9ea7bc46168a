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

/** Does the work and lets the event loop turn after every `pieceMs` milliseconds of it. */
export async function withPauses<T>(pieces: Pieces<T>, pieceMs = PIECE_MS): Promise<T> {
  let startedAt = performance.now()
  for (;;) {
    const { done, value } = pieces.next()
    if (done) return value
    if (performance.now() - startedAt < pieceMs) continue
    await yieldToEventLoop()
    startedAt = performance.now()
  }
}
