import type { Clock } from '../lib/time/index.ts'

/** How long an answer about the database is good; requests in between cost no statement. */
export const READY_MS = 1_000

/** Asks whether the server is ready: once for all who ask at the same time, and at most once in `READY_MS`. */
export function createReadiness(
  isReady: () => Promise<boolean>,
  clock: Pick<Clock, 'now'>,
): () => Promise<boolean> {
  let last: { readonly askedAt: number; readonly answer: Promise<boolean> } | null = null
  let isAsking = false
  return () => {
    const now = clock.now()
    if (last && (isAsking || now - last.askedAt < READY_MS)) return last.answer
    isAsking = true
    const answer = isReady().finally(() => {
      isAsking = false
    })
    last = { askedAt: now, answer }
    return answer
  }
}
