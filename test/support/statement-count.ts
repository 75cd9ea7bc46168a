import pg from 'pg'

/** Counts the statements that this process sends to Postgres, by any pool or client. */
export interface StatementCount {
  /** What was sent since the last call. */
  take(): readonly string[]
  stop(): void
}

const OWN_STATEMENT = /clock_timestamp\(\)|'default_transaction_isolation'|pg_stat_activity|^SELECT$/

/** Whether a process sends the statement on its own account: to read the clock of the database, to begin a session, or to probe a connection. */
export function isOwnStatement(text: string): boolean {
  return OWN_STATEMENT.test(text)
}

/**
 * Listens at the one place that every statement passes: Prisma's adapter and the stores all end in a `pg.Client`. Statements
 * of workers and of those who tell news go the same way, so the caller must see to it that nothing runs meanwhile. Other servers
 * of the same test file may run where `databaseUrl` is given: only statements to that database count.
 */
export function countStatements(databaseUrl: string | null = null): StatementCount {
  const database = databaseUrl && new URL(databaseUrl).pathname.slice(1)
  const prototype = pg.Client.prototype as { query: (...args: unknown[]) => unknown }
  const { query } = prototype
  let sent: string[] = []
  prototype.query = function counted(this: pg.Client, ...args: unknown[]) {
    const [first] = args
    const isCounted = database === null || this.database === database
    const text = typeof first === 'string' ? first : String((first as { text?: string } | undefined)?.text)
    if (isCounted && !isOwnStatement(text)) sent.push(text)
    return query.apply(this, args)
  }
  return {
    take() {
      const taken = sent
      sent = []
      return taken
    },
    stop: () => void (prototype.query = query),
  }
}
