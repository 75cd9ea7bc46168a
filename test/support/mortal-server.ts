import type { Lume } from '../../src/app.ts'
import type { Block } from '../../src/engine/block/block.ts'
import { Closers } from '../../src/lib/async/closers.ts'
import type { JobId } from '../../src/lib/ids.ts'
import { createTestDatabase, type TestDatabase } from './database.ts'
import { createFleet } from './fleet.ts'
import { jobRow, type JobRow } from './jobs.ts'
import { startLedger, type LedgerServer } from './ledger-server.ts'
import { startServerProcess, type ServerProcess } from './server-process.ts'
import { startStatementProxy, type StatementPoint } from './statement-proxy.ts'
import { until } from './until.ts'

/** A server process that is killed and started again, and what outlives it: the database, the world outside, an API. */
export interface MortalServer {
  readonly database: TestDatabase
  readonly ledger: LedgerServer
  /** A Lume in the test's own process that runs no jobs: it accepts and commands, also while the server is dead. */
  readonly api: Lume
  /** The process that runs; one is started when none does. */
  boot(): Promise<ServerProcess>
  /** Ends the process as a power cut does, and lets its leases run out. */
  kill(): Promise<void>
  /** Does that at a point of its talk with the database; resolves when it is dead. */
  killAt(point: StatementPoint): Promise<void>
  /** Waits until a job stands at a status. */
  standsAt(jobId: JobId, status: JobRow['status']): Promise<JobRow>
  /** Waits until a job has ended, whichever way. */
  endOf(jobId: JobId): Promise<JobRow>
  close(): Promise<void>
}

export interface MortalServerOptions {
  /** The path of a block module that the server loads. */
  readonly blockModule?: string
  /** Stand-ins for the blocks of that module, which the test's own API needs to validate definitions. They never run. */
  readonly blocks?: readonly Block[]
  /** Without it a lease is long, so that no slow machine loses one, and `kill` lets it run out. */
  readonly leaseMs?: number
}

/** A process may take this long to start on a machine that does much else. */
const PATIENCE_MS = 90_000
const LONG_LEASE_MS = 600_000
/** What the process calls itself to Postgres. */
const APPLICATION = 'mortal'

export async function openMortalServer({
  blockModule,
  blocks = [],
  leaseMs,
}: MortalServerOptions = {}): Promise<MortalServer> {
  const closers = new Closers()
  const database = await createTestDatabase()
  closers.add(() => database.drop())
  const ledger = await startLedger()
  closers.add(() => ledger.close())
  const proxy = await startStatementProxy(database.url)
  closers.add(() => proxy.close())
  const fleet = createFleet(database)
  closers.add(() => fleet.close())
  const api = await fleet.open({ role: 'api' }, { blocks })

  const sessions = async () => {
    const query = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1`
    return (await database.pool.query(query, [APPLICATION])).rowCount
  }
  let running: ServerProcess | null = null
  const kill = async () => {
    await running?.kill()
    running = null
    if (leaseMs !== undefined) return
    // What it had sent may still be at work, and might lengthen a lease that ran out before.
    await until('its last statement is over', async () => (await sessions()) === 0, PATIENCE_MS)
    await database.pool.query(
      `WITH dead AS (UPDATE processes SET heartbeat_at = now() - interval '1 min' WHERE stopped_at IS NULL AND role <> 'api')
       UPDATE jobs SET leased_until = now() - interval '1 s' WHERE holder IS NOT NULL`,
    )
  }
  closers.add(kill)
  const reaches = async (jobId: JobId, what: string, hasCome: (row: JobRow) => boolean) => {
    const look = async () => {
      const row = await jobRow(database.pool, jobId)
      return hasCome(row) && row
    }
    try {
      return await until(`job ${jobId} ${what}`, look, PATIENCE_MS)
    } catch (cause) {
      const row = JSON.stringify(await jobRow(database.pool, jobId))
      throw new Error(`it stands at ${row}, and the server said: ${running?.output()}`, { cause })
    }
  }
  return {
    database,
    ledger,
    api,
    async boot() {
      const environment = {
        DATABASE_URL: `${proxy.url}?application_name=${APPLICATION}`,
        LUME_ALLOW_PRIVATE_HOSTS: ledger.host,
        LUME_LEASE_MS: String(leaseMs ?? LONG_LEASE_MS),
        ...(blockModule === undefined ? {} : { LUME_BLOCKS: blockModule }),
      }
      return (running ??= await startServerProcess(environment))
    },
    kill,
    killAt: (point) => proxy.strikeAt(point, kill),
    standsAt: (jobId, status) => reaches(jobId, `is ${status}`, (row) => row.status === status),
    endOf: (jobId) => reaches(jobId, 'has ended', (row) => row.finished_at !== null),
    close: () => closers.close(),
  }
}
