import { parseEvent, type JobEvent } from '../../engine/record/index.ts'
import { listsPer, type JobId, type OwnerId } from '../../lib/index.ts'
import type { Queryable } from '../sql/index.ts'
import type { BoundedRead } from './value-store.ts'

export interface EventStore {
  /** Up to `limit` events of a job after a number, in order; fewer where they take more than `EVENTS_MAX_BYTES`. */
  after(job: { id: JobId; ownerId: OwnerId }, seq: number, limit: number): Promise<readonly JobEvent[]>
  /** Those of each of these jobs, if all of them together take at most `maxBytes` of memory, as estimated. */
  pagesOf(
    ownerId: OwnerId,
    jobIds: readonly string[],
    page: { readonly after: number; readonly limit: number },
    maxBytes: number,
  ): Promise<BoundedRead<readonly JobEvent[]>>
}

/** Maximum bytes of memory, as estimated, that the events take which are read at once for a follower. */
export const EVENTS_MAX_BYTES = 4 * 1024 * 1024

/** The memory that a body takes: its text, and about 20 bytes for each list, object and item. */
const BODY_BYTES = `octet_length(body::text) + 20 * (length(body::text) - length(translate(body::text, '[{,', '')))`

type EventRow = Parameters<typeof parseEvent>[0]

export function createEventStore(pool: Queryable): EventStore {
  return {
    async after({ id, ownerId }, seq, limit) {
      const { rows } = await pool.query<EventRow>({
        name: 'events-after',
        text: `SELECT seq, at, kind, progress, body FROM (
                 SELECT *, sum(${BODY_BYTES}) OVER (ORDER BY seq) - (${BODY_BYTES}) AS before FROM (
                   SELECT seq, at, kind, progress, body FROM job_events
                   WHERE owner_id = $1 AND job_id = $2 AND seq > $3 ORDER BY seq LIMIT $4
                 ) AS page
               ) AS measured WHERE before < $5 ORDER BY seq`,
        values: [ownerId, id, seq, limit, EVENTS_MAX_BYTES],
      })
      return rows.map(parseEvent)
    },
    async pagesOf(ownerId, jobIds, { after, limit }, maxBytes) {
      const { rows } = await pool.query<EventRow & { jobId: string; total: string }>(
        `SELECT "jobId", seq, at, kind, progress, total, CASE WHEN total <= $5 THEN body END AS body FROM (
           SELECT job.id AS "jobId", event.*, sum(${BODY_BYTES}) OVER () AS total
           FROM unnest($2::uuid[]) AS job(id) CROSS JOIN LATERAL (
             SELECT seq, at, kind, progress, body FROM job_events
             WHERE owner_id = $1 AND job_id = job.id AND seq > $3 ORDER BY seq LIMIT $4
           ) AS event
         ) AS found ORDER BY seq`,
        [ownerId, jobIds, after, limit, maxBytes],
      )
      const bytes = Number(rows[0]?.total ?? 0)
      if (bytes > maxBytes) return { bytes, values: null }
      return {
        bytes,
        values: listsPer(jobIds, rows, ({ jobId, seq, at, kind, progress, body }) => [
          jobId,
          parseEvent({ seq, at, kind, progress, body }),
        ]),
      }
    },
  }
}
