import type pg from 'pg'

// PGlite has one process, so none of Postgres' background workers runs: nobody writes checkpoints, which let the log
// be reused, and nobody vacuums. Left alone the log grows with every write until the database is closed, and a start
// after a crash has all of it to replay.

const UPKEEP_MS = 60_000
const LOG_LIMIT_BYTES = 64 * 1024 * 1024
// As autovacuum's own settings do.
const VACUUM_ROWS = 50
const VACUUM_SHARE = 0.2
const FREEZE_TRANSACTIONS = 200_000_000

/** Does once what Postgres' background workers would have done by now. */
export async function keepUp(pool: Pick<pg.Pool, 'query'>): Promise<void> {
  for (const table of await tablesToVacuum(pool)) await pool.query(`vacuum (analyze) ${table}`)
  if ((await logBytes(pool)) > LOG_LIMIT_BYTES) await pool.query('checkpoint')
}

/** Keeps up once a minute, and gives the function that ends it. It waits its turn for the connection like any query. */
export function startUpkeep(
  pool: Pick<pg.Pool, 'query'>,
  onFailure: (failure: unknown) => void,
): () => Promise<void> {
  let turn = Promise.resolve()
  const timer = setInterval(() => {
    turn = turn.then(() => keepUp(pool)).catch(onFailure)
  }, UPKEEP_MS)
  timer.unref()
  return async () => {
    clearInterval(timer)
    await turn
  }
}

async function logBytes(pool: Pick<pg.Pool, 'query'>): Promise<number> {
  const { rows } = await pool.query<{ bytes: string }>(
    'select pg_wal_lsn_diff(pg_current_wal_lsn(), redo_lsn) as bytes from pg_control_checkpoint()',
  )
  return Number(rows[0]?.bytes)
}

async function tablesToVacuum(pool: Pick<pg.Pool, 'query'>): Promise<readonly string[]> {
  const { rows } = await pool.query<{ table: string }>(
    `select c.oid::regclass::text as table
     from pg_class c join pg_stat_all_tables s on s.relid = c.oid
     where c.relkind = 'r'
       and (greatest(s.n_dead_tup, s.n_ins_since_vacuum, s.n_mod_since_analyze) > $1 + $2 * greatest(c.reltuples, 0)
         or age(c.relfrozenxid) > $3)`,
    [VACUUM_ROWS, VACUUM_SHARE, FREEZE_TRANSACTIONS],
  )
  return rows.map(({ table }) => table)
}
