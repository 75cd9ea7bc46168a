import pg from 'pg'

/** Counts the statements that clients send to a database. */
export interface StatementCount {
  /** `statements`: every statement, BEGIN and COMMIT included. `transactions`: the server counts only those. */
  readonly unit: 'statements' | 'transactions'
  /** How many there were since the server started. */
  of(database: string): Promise<number>
  close(): Promise<void>
}

const STATEMENTS = `SELECT coalesce(sum(calls), 0)::float8 AS count FROM pg_stat_statements s
  JOIN pg_database d ON d.oid = s.dbid WHERE d.datname = $1`
const TRANSACTIONS = `SELECT (xact_commit + xact_rollback)::float8 AS count FROM pg_stat_database WHERE datname = $1`

/** Counts by `pg_stat_statements`; where the server has not loaded it, by transactions. */
export async function openStatementCount(url: string): Promise<StatementCount> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const hasStatements = await client
    .query('CREATE EXTENSION IF NOT EXISTS pg_stat_statements')
    .then(() => client.query('SELECT count(*) FROM pg_stat_statements'))
    .then(
      () => true,
      () => false,
    )
  return {
    unit: hasStatements ? 'statements' : 'transactions',
    async of(database) {
      const { rows } = await client.query<{ count: number }>(hasStatements ? STATEMENTS : TRANSACTIONS, [
        database,
      ])
      return rows[0]?.count ?? 0
    },
    close: () => client.end(),
  }
}
