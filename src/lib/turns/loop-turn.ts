/** How long work may hold one turn of the event loop before other work, and other clients, get the thread, in milliseconds. */
export const PIECE_MS = 10

/** Since when the current turn of the event loop is held; null: it is not. Shared by the process, as its thread is. */
let heldSince: number | null = null

/** Notes that work takes the current turn of the event loop, unless other work has taken it before. */
export function holdTurn(): void {
  if (heldSince === null) beginTurn()
}

/** Notes that a turn of the event loop begins with the work that calls this. */
export function beginTurn(): void {
  heldSince = performance.now()
  setImmediate(endTurn)
}

/**
 * Whether the current turn of the event loop has been held for `pieceMs` milliseconds. Work of all requests counts together: many
 * requests may continue in one turn, each with less work than is worth a turn.
 */
export function isTurnOver(pieceMs = PIECE_MS): boolean {
  holdTurn()
  return performance.now() - (heldSince ?? 0) >= pieceMs
}

function endTurn(): void {
  heldSince = null
}
