import type { JobEvent } from '../../engine/record/index.ts'
import type { JobId, OwnerId } from '../../lib/index.ts'
import { parsedBytes, readEvents } from '../log-reads/index.ts'
import type { Queryable } from '../sql/index.ts'
import type { BoundedRead } from './value-store.ts'

export interface EventStore {
  /**
   * Returns up to `limit` events of a job after a number, in order; fewer where they, or the entries of the log that hold them, take
   * more than `EVENTS_MAX_BYTES`. The list is empty only if there is no such event.
   */
  after(job: { id: JobId; ownerId: OwnerId }, seq: number, limit: number): Promise<readonly JobEvent[]>
  /** Returns those of each of these jobs if the bodies of all of them together take at most `maxBytes` of memory, as estimated. */
  pagesOf(
    ownerId: OwnerId,
    jobIds: readonly string[],
    page: { readonly after: number; readonly limit: number },
    maxBytes: number,
  ): Promise<BoundedRead<readonly JobEvent[]>>
}

/** Maximum bytes of memory, as estimated, that the events take which are read at once for a follower. */
export const EVENTS_MAX_BYTES = 4 * 1024 * 1024

/** One statement reads entries that take at least this, as estimated, however little is left for the answer. */
const ENTRIES_MIN_BYTES = 256 * 1024

export function createEventStore(pool: Queryable): EventStore {
  return {
    async after(job, seq, limit) {
      // One statement: the follower asks for what is left after it has taken these.
      const read = readEvents(pool, [job], { after: seq, limit, maxBytes: EVENTS_MAX_BYTES })
      const { value: pieces } = await read.next()
      const events: JobEvent[] = []
      let bytes = 0
      for (const event of (pieces ?? []).flatMap((piece) => piece.events)) {
        if (bytes >= EVENTS_MAX_BYTES) break
        events.push(event)
        bytes += bodyBytes(event)
      }
      return events
    },
    async pagesOf(ownerId, jobIds, page, maxBytes) {
      const jobs = jobIds.map((id) => ({ id: id as JobId, ownerId }))
      const values = jobIds.map((): JobEvent[] => [])
      let bytes = 0
      const read = readEvents(pool, jobs, { ...page, maxBytes: entriesMaxBytes(maxBytes) })
      for await (const pieces of read) {
        for (const { job, events } of pieces) {
          for (const event of events) bytes += bodyBytes(event)
          values[job]?.push(...events)
        }
        if (bytes > maxBytes) return { bytes, values: null }
      }
      return { bytes, values }
    },
  }
}

/** The entries of these events may take more than their bodies: they also hold the steps that the events are about. */
function entriesMaxBytes(maxBytes: number): number {
  return Math.min(EVENTS_MAX_BYTES, Math.max(ENTRIES_MIN_BYTES, 4 * maxBytes))
}

function bodyBytes({ body }: JobEvent): number {
  return parsedBytes(JSON.stringify(body))
}
