import type pg from 'pg'

/** What was read over a pool. */
export interface Reads {
  readonly statements: number
  /** The bytes of their rows as JSON. */
  readonly bytes: number
}

/** Counts the statements that a pool is sent, and the bytes of their rows. */
export function countReads(pool: pg.Pool) {
  let reads: Reads = { statements: 0, bytes: 0 }
  const query = async (config: pg.QueryConfig, values?: unknown[]) => {
    const result = await pool.query<Record<string, unknown>>(config, values)
    const bytes = Buffer.byteLength(JSON.stringify(result.rows))
    reads = { statements: reads.statements + 1, bytes: reads.bytes + bytes }
    return result
  }
  return {
    pool: { query: query as unknown as pg.Pool['query'] },
    /** What was read since the last call. */
    take(): Reads {
      const taken = reads
      reads = { statements: 0, bytes: 0 }
      return taken
    },
  }
}
