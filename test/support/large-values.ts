import type pg from 'pg'

/** A value of at least this many characters is large. */
const LARGE = 65_536

/** What passed between this process and Postgres since the last call of `take`. */
export interface LargeValues {
  /** The large texts that statements had as parameters. */
  readonly sent: readonly string[]
  /** Whether a statement returned a large value. */
  readonly hasRead: boolean
}

/** Watches the parameters and rows of all statements of one pool for large values. Nothing else may use the pool meanwhile. */
export function watchValues(pool: pg.Pool): { take(): LargeValues; stop(): void } {
  const { query } = pool
  let sent: string[] = []
  let hasRead = false
  const watched = async (...args: unknown[]) => {
    const [, values] = args as [unknown, unknown[] | undefined]
    sent.push(
      ...(values ?? []).filter(
        (value): value is string => typeof value === 'string' && value.length >= LARGE,
      ),
    )
    const result = (await Reflect.apply(query, pool, args)) as pg.QueryResult
    if (JSON.stringify(result.rows).length >= LARGE) hasRead = true
    return result
  }
  pool.query = watched as typeof pool.query
  return {
    take() {
      const taken = { sent, hasRead }
      sent = []
      hasRead = false
      return taken
    },
    stop: () => void (pool.query = query),
  }
}
