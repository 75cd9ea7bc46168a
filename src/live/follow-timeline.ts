import type { Job } from '../db/jobs/index.ts'
import { isQuietEvent, type EventKind, type JobEvent } from '../engine/record/index.ts'
import type { Awaitable } from '../lib/turns/index.ts'
import type { JobId } from '../lib/index.ts'
import { Bell } from './bell.ts'
import type { JobSnapshot, TimelinePiece } from './live-job.ts'

/** Some events in order, and how far into the timeline they reach. Followers with the same cursor and kinds get the same object. */
export interface TimelineBatch {
  readonly jobId: JobId
  /** Those of the wanted kinds. */
  readonly events: readonly JobEvent[]
  /** Resume after this number: it also counts events of other kinds. */
  readonly cursor: number
  /** False while more events are known to be there. */
  readonly isCaughtUp: boolean
  /** The job as it was at the cursor, or later where more events are there. */
  readonly job: Job
  readonly output: JobSnapshot['output']
}

interface Following {
  readonly kinds: ReadonlySet<EventKind> | null
  readonly after: number
  readonly signal: AbortSignal
}

/** A job that a follower is attached to. */
export interface FollowedJob {
  after(cursor: number): Awaitable<TimelinePiece | null>
  detach(): void
}

/**
 * The batches of one follower: one for each piece of the timeline that has a wanted event, and a last one when the job has
 * ended. The follower takes one piece at a time and only when it is asked for more, so a slow reader holds one page and no
 * queue.
 */
export async function* followTimeline(
  attach: (onNews: () => void) => FollowedJob,
  { kinds, after, signal }: Following,
): AsyncGenerator<TimelineBatch, void> {
  const bell = new Bell()
  const job = attach(bell.ring)
  signal.addEventListener('abort', bell.ring, { once: true })
  const key = kinds && [...kinds].toSorted().join(' ')
  try {
    let cursor = after
    /** A follower that was sent `isCaughtUp: false` is also sent the batch that catches up. */
    let owesBatch = false
    while (!signal.aborted) {
      bell.reset()
      const found = job.after(cursor)
      const piece = found instanceof Promise ? await found : found
      if (!piece) return
      cursor = piece.cursor
      const isOver = piece.isCaughtUp && piece.snapshot.job.finishedAt !== null
      const batch = batchOf(piece, kinds, key)
      if (owesBatch || isOver || batch.events.length > 0) {
        yield batch
        owesBatch = !piece.isCaughtUp
      }
      if (isOver) return
      if (piece.isCaughtUp && !bell.hasRung) await bell.rung()
    }
  } finally {
    signal.removeEventListener('abort', bell.ring)
    job.detach()
  }
}

const batches = new WeakMap<TimelinePiece, Map<string | null, TimelineBatch>>()

function batchOf(
  piece: TimelinePiece,
  kinds: ReadonlySet<EventKind> | null,
  key: string | null,
): TimelineBatch {
  const made = batches.get(piece) ?? new Map<string | null, TimelineBatch>()
  batches.set(piece, made)
  const known = made.get(key)
  if (known) return known
  const { events, cursor, isCaughtUp, snapshot } = piece
  const isWanted = ({ kind }: JobEvent) => (kinds === null ? !isQuietEvent(kind) : kinds.has(kind))
  const batch: TimelineBatch = {
    jobId: snapshot.job.id,
    events: events.filter(isWanted),
    cursor,
    isCaughtUp,
    job: snapshot.job,
    output: snapshot.output,
  }
  made.set(key, batch)
  return batch
}
