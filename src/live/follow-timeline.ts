import type { Wakeups } from '../db/index.ts'
import type { Job, JobStore } from '../db/jobs/index.ts'
import type { EventStore } from '../db/stores/index.ts'
import { isQuietEvent, isTerminalEvent, type EventKind, type JobEvent } from '../engine/record/index.ts'
import type { JobId, OwnerId } from '../lib/index.ts'
import type { Clock } from '../lib/time/index.ts'
import { Bell } from './bell.ts'

/** Some events in order, and how far into the timeline they reach. */
export interface TimelineBatch {
  /** Those of the wanted kinds. */
  readonly events: readonly JobEvent[]
  /** Resume after this number: it also counts events of other kinds. */
  readonly cursor: number
  /** False while more events are known to be there. */
  readonly isCaughtUp: boolean
  /** The job as it was when the batch was read. */
  readonly job: Job
}

export interface FollowTimelineOptions {
  readonly events: Pick<EventStore, 'after'>
  readonly jobs: Pick<JobStore, 'find'>
  readonly wakeups: Pick<Wakeups, 'onNews'>
  readonly clock: Clock
}

export interface FollowRequest {
  readonly ownerId: OwnerId
  readonly jobId: JobId
  /** The number after which to begin; 0 for the whole timeline. */
  readonly after: number
  /** Null: all but the quiet ones, which are told only to those who ask for them by name. */
  readonly kinds: ReadonlySet<EventKind> | null
  /** Ends the following when it aborts. */
  readonly signal: AbortSignal
}

export type FollowTimeline = (request: FollowRequest) => AsyncGenerator<TimelineBatch, void>

const PAGE = 500
/** How long a lost hint can delay an event. */
const LOOK_AGAIN_MS = 2_000

/**
 * Replays a job's timeline after a number and then follows it until its terminal event (P4). It attaches to the hints
 * first and then reads, so nothing falls between; every hint makes it read on from its cursor. It reads one page at a
 * time and only when asked for more, so a slow reader holds one page and no queue. Ends at once for an unknown job.
 */
export function createFollowTimeline({
  events,
  jobs,
  wakeups,
  clock,
}: FollowTimelineOptions): FollowTimeline {
  return async function* followTimeline({ ownerId, jobId, after, kinds, signal }) {
    const bell = new Bell()
    const detach = wakeups.onNews(jobId, () => bell.ring())
    try {
      const isWanted = ({ kind }: JobEvent) => (kinds === null ? !isQuietEvent(kind) : kinds.has(kind))
      let cursor = after
      let owesBatch = true
      while (!signal.aborted) {
        bell.reset()
        // One more than a page shows whether there is more.
        const found = await events.after({ id: jobId, ownerId }, cursor, PAGE + 1)
        const page = found.slice(0, PAGE)
        let isCaughtUp = found.length <= PAGE
        cursor = page.at(-1)?.seq ?? cursor
        // What is quiet and not asked for is no news: the cursor passes it with the next batch.
        owesBatch ||= page.some((one) => isWanted(one) || !isQuietEvent(one.kind))
        if (owesBatch) {
          const job = await jobs.find(ownerId, jobId)
          if (!job) return
          // From a number that does not exist yet: on from the newest that does.
          cursor = Math.min(cursor, job.lastSeq)
          // Large events come in shorter pages.
          isCaughtUp &&= cursor >= job.lastSeq
          yield { events: page.filter(isWanted), cursor, isCaughtUp, job }
          owesBatch = !isCaughtUp
          // A cursor at the end still has to see that the job has ended.
          if (job.finishedAt !== null && isCaughtUp && cursor >= job.lastSeq) return
          if (page.some(({ kind }) => isTerminalEvent(kind))) return
        }
        if (isCaughtUp) await bell.wait(clock, LOOK_AGAIN_MS, signal)
      }
    } finally {
      detach()
    }
  }
}
