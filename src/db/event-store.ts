import { parseEvent, type JobEvent } from '../engine/event.ts'
import type { JobId, OwnerId } from '../lib/ids.ts'
import type { Queryable } from './rows.ts'

export interface EventStore {
  /** Up to `limit` events of a job after a number, in order. */
  after(job: { id: JobId; ownerId: OwnerId }, seq: number, limit: number): Promise<readonly JobEvent[]>
}

export function createEventStore(pool: Queryable): EventStore {
  return {
    async after({ id, ownerId }, seq, limit) {
      const { rows } = await pool.query<Parameters<typeof parseEvent>[0]>({
        name: 'events-after',
        text: `SELECT seq, at, kind, progress, body FROM job_events
               WHERE owner_id = $1 AND job_id = $2 AND seq > $3 ORDER BY seq LIMIT $4`,
        values: [ownerId, id, seq, limit],
      })
      return rows.map(parseEvent)
    },
  }
}
