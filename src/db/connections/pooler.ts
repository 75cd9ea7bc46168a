import type pg from 'pg'
import { LumeError, messageOf } from '../../lib/index.ts'

/** Two connections take turns this many times. */
const ROUNDS = 3

/**
 * Proves that a connection keeps its session between two transactions: notices, advisory locks and settings of Lume belong to sessions. Behind
 * a pooler in transaction mode a second connection is given the session of the first, or the first another one, as soon as a
 * transaction is over. The next session is the one that was used last, or, with PgBouncer's `server_round_robin`, the one that has been
 * unused for longest: then two statements of one connection have different sessions.
 *
 * Throws a LumeError DATABASE_POOLER_UNSUPPORTED that names the setting to change.
 */
export async function requireSessionMode(pool: pg.Pool): Promise<void> {
  const first = await pool.connect()
  try {
    const second = await pool.connect()
    try {
      for (let round = 0; round < ROUNDS; round++) {
        if (!(await haveOwnSessions(first, second)) || !(await haveOwnSessions(second, first)))
          throw unsupported()
      }
    } finally {
      second.release()
    }
  } finally {
    first.release()
  }
}

/** `one` keeps its session from one statement to the next, and while `other` is within a transaction. */
async function haveOwnSessions(one: pg.ClientBase, other: pg.ClientBase): Promise<boolean> {
  const before = await pidOf(one)
  if ((await pidOf(one)) !== before) return false
  await begin(other)
  try {
    const pidOfOther = await pidOf(other)
    if (pidOfOther === before) return false
    return (await pidOf(one)) === before
  } finally {
    await other.query('ROLLBACK')
  }
}

async function begin(client: pg.ClientBase): Promise<void> {
  try {
    await client.query('BEGIN')
  } catch (fault) {
    // PgBouncer's words in statement mode.
    if (messageOf(fault).includes('statement pooling mode')) throw unsupported()
    throw fault
  }
}

async function pidOf(client: pg.ClientBase): Promise<number | undefined> {
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
  return rows[0]?.pid
}

function unsupported(): LumeError {
  return new LumeError(
    'DATABASE_POOLER_UNSUPPORTED',
    'DATABASE_URL leads to a connection pooler that gives each transaction another session, and Lume needs one session for each connection ' +
      '(LISTEN, advisory locks, settings): let DATABASE_URL name the Postgres server itself, usually port 5432, or set ' +
      'pool_mode = session in PgBouncer for this database, with a pool_size of at least 30 for each process of Lume',
  )
}
