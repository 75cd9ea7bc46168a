import type { ReadinessProblem } from './http/index.ts'
import type { Clock } from './lib/time/index.ts'

/** The database answers within this time, or counts as unreachable, in milliseconds. */
export const PROBE_WAIT_MS = 1_500

export interface ReadinessOptions {
  /** A statement that shows that the database answers. One is under way at most. */
  readonly probe: () => Promise<unknown>
  /** Whether the worker, if there is one, has not renewed its leases for too long. */
  readonly isRenewalLate: () => boolean
  readonly clock: Pick<Clock, 'after'>
}

/** Returns the question why this process cannot do its work now, which is answered within `PROBE_WAIT_MS`; empty: it can. */
export function createReadinessProblems(
  options: ReadinessOptions,
): () => Promise<readonly ReadinessProblem[]> {
  const { probe, isRenewalLate, clock } = options
  let underWay: Promise<boolean> | null = null
  const answers = () => {
    underWay ??= probe()
      .then(
        () => true,
        () => false,
      )
      .finally(() => {
        underWay = null
      })
    return underWay
  }
  return async () => {
    let callOff = () => {}
    const isLate = new Promise<boolean>((resolve) => {
      callOff = clock.after(PROBE_WAIT_MS, () => resolve(false))
    })
    const isReachable = await Promise.race([answers(), isLate])
    callOff()
    return [...(isReachable ? [] : [UNREACHABLE]), ...(isRenewalLate() ? [NOT_RENEWED] : [])]
  }
}

const UNREACHABLE: ReadinessProblem = {
  code: 'DATABASE_UNREACHABLE',
  message: 'The database does not answer.',
}
const NOT_RENEWED: ReadinessProblem = {
  code: 'LEASES_NOT_RENEWED',
  message: 'This worker has not renewed the leases of its executions in time.',
}
