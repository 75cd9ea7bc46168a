import type { WorkerId } from '../../lib/index.ts'
import type { Queryable } from '../sql/index.ts'

/** What is stored of a process when it starts. */
export interface NewProcess {
  readonly id: WorkerId
  readonly host: string
  readonly pid: number
  readonly version: string
  readonly role: string
}

export interface ProcessStore {
  /** Stores the row; a second call changes nothing. */
  insert(process: NewProcess): Promise<void>
  /** `afterOutage`: the heartbeat before this one failed. */
  beat(id: WorkerId, afterOutage: boolean): Promise<void>
  /** The process has stopped in good order, and holds no jobs. */
  stop(id: WorkerId): Promise<void>
  /** Removes the rows of processes that ended more than seven days ago. */
  removeOld(): Promise<void>
}

/**
 * A new process does not know whether the database was reachable before its start. The other processes and the start of the server say
 * how long it has been.
 */
const INSERT = `
INSERT INTO processes (id, host, pid, version, role, reachable_since)
VALUES ($1, $2, $3, $4, $5, GREATEST(
  pg_postmaster_start_time(),
  (SELECT max(reachable_since) FROM processes WHERE stopped_at IS NULL AND heartbeat_at > now() - interval '10 s')
))
ON CONFLICT (id) DO NOTHING`

/** A heartbeat need not survive a crash of the server, so its commit does not wait for the disk. $1: process id, $2: an outage came before it. */
export const HEARTBEAT = `
UPDATE processes SET heartbeat_at = now(), reachable_since = CASE WHEN $2::bool THEN now() ELSE reachable_since END
FROM (SELECT set_config('synchronous_commit', 'off', true)) AS setting
WHERE id = $1`

const REMOVE_OLD = `
DELETE FROM processes WHERE COALESCE(stopped_at, heartbeat_at) < now() - interval '7 days'`

/** Statements about the processes that use the database (D5). */
export function createProcessStore(pool: Queryable): ProcessStore {
  return {
    async insert({ id, host, pid, version, role }) {
      await pool.query(INSERT, [id, host, pid, version, role])
    },
    async beat(id, afterOutage) {
      await pool.query(HEARTBEAT, [id, afterOutage])
    },
    async stop(id) {
      await pool.query('UPDATE processes SET stopped_at = now() WHERE id = $1', [id])
    },
    async removeOld() {
      await pool.query(REMOVE_OLD)
    },
  }
}
