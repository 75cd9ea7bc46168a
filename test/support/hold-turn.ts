import { isTurnOver, PIECE_MS } from '../../src/lib/turns/loop-turn.ts'

/** Uses the current turn of the event loop up, as work of another request would. */
export function useTurnUp(): void {
  isTurnOver()
  for (const until = performance.now() + PIECE_MS; performance.now() < until;);
}

/** Whether a promise is still pending once everything has run that needs no other turn of the event loop. */
export async function waitsForAnotherTurn(work: Promise<unknown>): Promise<boolean> {
  let isSettled = false
  const settle = () => void (isSettled = true)
  work.then(settle, settle)
  for (let i = 0; i < 100; i++) await Promise.resolve()
  return !isSettled
}

/** While the work lasts, each piece of work uses its turn of the event loop up: whatever can be divided continues in another turn. */
export async function inShortestPieces<T>(work: () => Promise<T>): Promise<T> {
  const { now } = performance
  let ahead = 0
  performance.now = () => now.call(performance) + (ahead += PIECE_MS)
  try {
    return await work()
  } finally {
    performance.now = now
  }
}
