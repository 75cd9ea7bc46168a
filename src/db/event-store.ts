import { parseEvent, type JobEvent } from '../engine/event.ts'
import type { JobId, OwnerId } from '../lib/ids.ts'
import { listsPer } from '../lib/lists-per.ts'
import type { Queryable } from './rows.ts'

export interface EventStore {
  /** Up to `limit` events of a job after a number, in order. */
  after(job: { id: JobId; ownerId: OwnerId }, seq: number, limit: number): Promise<readonly JobEvent[]>
  /** The same of each of these jobs. */
  pagesOf(
    ownerId: OwnerId,
    jobIds: readonly string[],
    page: { readonly after: number; readonly limit: number },
  ): Promise<readonly (readonly JobEvent[])[]>
}

type EventRow = Parameters<typeof parseEvent>[0]

export function createEventStore(pool: Queryable): EventStore {
  return {
    async after({ id, ownerId }, seq, limit) {
      const { rows } = await pool.query<EventRow>({
        name: 'events-after',
        text: `SELECT seq, at, kind, progress, body FROM job_events
               WHERE owner_id = $1 AND job_id = $2 AND seq > $3 ORDER BY seq LIMIT $4`,
        values: [ownerId, id, seq, limit],
      })
      return rows.map(parseEvent)
    },
    async pagesOf(ownerId, jobIds, { after, limit }) {
      const { rows } = await pool.query<EventRow & { jobId: string }>(
        `SELECT job.id AS "jobId", event.*
         FROM unnest($2::uuid[]) AS job(id) CROSS JOIN LATERAL (
           SELECT seq, at, kind, progress, body FROM job_events
           WHERE owner_id = $1 AND job_id = job.id AND seq > $3 ORDER BY seq LIMIT $4
         ) AS event
         ORDER BY event.seq`,
        [ownerId, jobIds, after, limit],
      )
      return listsPer(jobIds, rows, ({ jobId, ...row }) => [jobId, parseEvent(row)])
    },
  }
}
