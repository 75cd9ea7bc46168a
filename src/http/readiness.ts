import type { Clock } from '../lib/time/index.ts'

/** Why a process cannot do its work now. */
export interface ReadinessProblem {
  /**
   * `DATABASE_UNREACHABLE`: the database does not answer in time. `LEASES_NOT_RENEWED`: this worker may lose what it runs. `STOPPING`: the
   * process stops.
   */
  readonly code: 'DATABASE_UNREACHABLE' | 'LEASES_NOT_RENEWED' | 'STOPPING'
  /** A fixed sentence: it names no host and quotes no error. */
  readonly message: string
}

/** How long an answer about the database is good; requests in between cost no statement. */
export const READY_MS = 1_000

/** Asks for the problems once for all who ask at the same time, and at most once in `READY_MS`. Empty: the process is ready. */
export function createReadiness(
  ask: () => Promise<readonly ReadinessProblem[]>,
  clock: Pick<Clock, 'now'>,
): () => Promise<readonly ReadinessProblem[]> {
  let last: { readonly askedAt: number; readonly answer: Promise<readonly ReadinessProblem[]> } | null = null
  let isAsking = false
  return () => {
    const now = clock.now()
    if (last && (isAsking || now - last.askedAt < READY_MS)) return last.answer
    isAsking = true
    const answer = ask().finally(() => {
      isAsking = false
    })
    last = { askedAt: now, answer }
    return answer
  }
}
