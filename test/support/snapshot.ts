import type pg from 'pg'

/** Reads the database as of one moment, whatever is committed meanwhile. */
export async function inSnapshot<T>(pool: pg.Pool, read: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    return await read(client)
  } finally {
    await client.query('COMMIT').finally(() => client.release())
  }
}
