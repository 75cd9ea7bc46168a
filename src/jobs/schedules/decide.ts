import type { CatchUp, Overlap } from '../../db/stores/index.ts'
import { latestOccurrences, nextOccurrences, type ScheduleSpec } from './occurrences.ts'

/** What of a schedule decides which of its occurrences are to be started. Instants are milliseconds since the epoch. */
export interface DueSchedule {
  readonly spec: ScheduleSpec
  /** The first occurrence that is not decided yet. */
  readonly nextAt: number
  readonly catchUp: CatchUp
  /** How many missed occurrences ALL makes up for. */
  readonly catchUpLimit: number
}

export interface OccurrencesDecision {
  /** To be started, as far as the overlap policy lets them; oldest first. */
  readonly due: readonly number[]
  /** The newest of those that are left out because they were missed; oldest first. */
  readonly missed: readonly number[]
  /** The first occurrence after all of these; null when there is none. */
  readonly nextAt: number | null
}

/** An occurrence that is older than this was missed: nobody was there to start it. */
export const MISSED_AFTER_MS = 60_000
/** How many occurrences one decision looks at, the newest first: what is older is neither started nor recorded. */
const LOOK_BACK = 200

/**
 * Which of the occurrences that have come due until `now` are to be started. Those of the last minute always are. What
 * was missed follows the catch-up policy: NONE leaves it out, LAST starts the newest unless one of the last minute makes
 * up for it, ALL starts the newest `catchUpLimit`.
 */
export function decideOccurrences(schedule: DueSchedule, now: number): OccurrencesDecision {
  const { spec, nextAt } = schedule
  const reached = latestOccurrences(spec, { from: nextAt, to: now }, LOOK_BACK)
  const late = reached.filter((at) => at < now - MISSED_AFTER_MS)
  const onTime = reached.slice(late.length)
  const kept = late.slice(late.length - caughtUp(schedule, { late, onTime }))
  return {
    due: [...kept, ...onTime],
    missed: late.slice(0, late.length - kept.length),
    nextAt: nextOccurrences(spec, Math.max(now, nextAt - 1), 1)[0] ?? null,
  }
}

/** How many of the missed ones are made up for. */
function caughtUp(
  { catchUp, catchUpLimit }: DueSchedule,
  { late, onTime }: { readonly late: readonly number[]; readonly onTime: readonly number[] },
): number {
  switch (catchUp) {
    case 'NONE':
      return 0
    case 'LAST':
      return onTime.length === 0 ? Math.min(1, late.length) : 0
    case 'ALL':
      return Math.min(catchUpLimit, late.length)
  }
}

/** What becomes of an occurrence that has come due. */
export interface OccurrenceStep {
  readonly at: number
  readonly action: 'start' | 'queue' | 'skip'
}

/** What else is under way of the schedule. */
export interface UnderWay {
  readonly isRunning: boolean
  /** The occurrence that waits for its turn. */
  readonly queuedAt: number | null
}

/**
 * What the overlap policy makes of occurrences that have come due, oldest first. SKIP: one starts when nothing runs.
 * QUEUE: so it does, and one more waits for its turn. ALLOW: all start. CANCEL_PREVIOUS: the newest starts, and whatever
 * runs is to be canceled after that.
 */
export function decideOverlap(
  overlap: Overlap,
  due: readonly number[],
  { isRunning, queuedAt }: UnderWay,
): readonly OccurrenceStep[] {
  const waiting = queuedAt === null ? due : [queuedAt, ...due.filter((at) => at !== queuedAt)]
  const actionAt = (index: number): OccurrenceStep['action'] => {
    const place = isRunning ? index + 1 : index
    switch (overlap) {
      case 'ALLOW':
        return 'start'
      case 'SKIP':
        return place === 0 ? 'start' : 'skip'
      case 'QUEUE':
        return place === 0 ? 'start' : place === 1 ? 'queue' : 'skip'
      case 'CANCEL_PREVIOUS':
        return index === waiting.length - 1 ? 'start' : 'skip'
    }
  }
  return waiting.map((at, index) => ({ at, action: actionAt(index) }))
}
