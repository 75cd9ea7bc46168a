import type pg from 'pg'
import { codeOf } from '../../lib/index.ts'
import { systemClock } from '../../lib/time/index.ts'
import { MIGRATION_LOCK } from '../sql/index.ts'

/** How long a statement of a migration waits for a lock. While it waits, statements of others wait behind it. */
const LOCK_TIMEOUT_MS = 1_000
/** How long others go first after a lock was not obtained. */
const LOCK_PAUSE_MS = 500
/** A lock was not obtained in time, or the wait for it was a deadlock. */
const LOCK_FAULTS: ReadonlySet<string | undefined> = new Set(['55P03', '40P01'])

export interface LockWait {
  /** Called each time that a lock was not obtained. */
  readonly onLocked: () => void
}

/**
 * Runs work in one transaction that holds the lock of migrations. A lock of a table that others hold is waited for at most a second at a
 * time: the transaction is rolled back, and the work starts again after a pause, as often as needed.
 */
export function inShortTransaction<Result>(
  client: pg.ClientBase,
  work: () => Promise<Result>,
  { onLocked }: LockWait,
): Promise<Result> {
  return whileLocked(async () => {
    await client.query('begin')
    try {
      await client.query('set local statement_timeout = 0; set local lock_timeout = 0')
      await client.query('select pg_advisory_xact_lock($1)', [MIGRATION_LOCK])
      await client.query(`set local lock_timeout = ${LOCK_TIMEOUT_MS}`)
      const result = await work()
      await client.query('commit')
      return result
    } catch (failure) {
      // It may be the connection that failed, and that is what the caller is to see.
      await client.query('rollback').catch(() => undefined)
      throw failure
    }
  }, onLocked)
}

/** Calls until it does not fail for a lock. */
export async function whileLocked<Result>(
  call: () => Promise<Result>,
  onLocked: () => void,
): Promise<Result> {
  for (;;) {
    try {
      return await call()
    } catch (failure) {
      if (!LOCK_FAULTS.has(codeOf(failure))) throw failure
      onLocked()
      await systemClock.wait(LOCK_PAUSE_MS)
    }
  }
}
