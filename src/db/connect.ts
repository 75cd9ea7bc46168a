import pg from 'pg'
import { codeOf, LumeError, messageOf } from '../lib/index.ts'
import type { Logger } from '../lib/log/index.ts'
import { systemClock } from '../lib/time/index.ts'
import {
  LISTENER_STEPS,
  monitoredClient,
  PROBE_STEPS,
  requireSessionMode,
  sessionStatement,
  SILENCE_MAX_MS,
  SilenceMonitor,
  type MonitoredClient,
} from './connections/index.ts'
import { copyFolderOnce, openEmbeddedPostgres, startUpkeep } from './embedded/index.ts'
import { OwnerConnections, shareByOwner } from './sql/index.ts'

const CONNECT_TIMEOUT_MS = 15_000
const DEFAULT_MAX_CONNECTIONS = 10
const OLDEST_VERSION = 15

export interface Database {
  readonly pool: pg.Pool
  /**
   * The connections of the API's reads, so that the engine never waits behind them; their statements end after
   * `queryTimeoutMs`, and owners share the connections (`OwnerConnections`). The same pool, without that limit, when embedded.
   */
  readonly apiPool: pg.Pool
  /** The journal's one connection, so that a flush never waits behind other statements; the same pool when embedded. */
  readonly journalPool: pg.Pool
  /** A connection for the renewal of leases, which waits behind nothing else; the same pool when embedded. */
  readonly leasePool: pg.Pool
  /**
   * A connection for statements that show whether the database answers, and for nothing else; the same pool when embedded. A silent one
   * is given up after a third of `silenceMs`.
   */
  readonly probePool: pg.Pool
  readonly kind: 'embedded' | 'server'
  /** Returns a connection for LISTEN that is not open yet. It is probed and ends when it is silent. Null when embedded. */
  readonly createListener: (() => pg.Client) | null
  /**
   * Copies the folder of an embedded database beside itself, with this suffix, and returns the path of the copy; null: a copy was there
   * before, or the database is on a server. No other statement may run meanwhile.
   */
  copyFolder(suffix: string): Promise<string | null>
  /** Waits for the connections in use to be given back, then closes all of them and what stands behind them. */
  close(): Promise<void>
}

export interface OpenDatabaseOptions {
  /** A Postgres server; without it the embedded database is opened, and created where there is none. */
  readonly databaseUrl?: string | undefined
  /** The folder of the embedded database. */
  readonly dataDir: string
  /** Of the engine, and of the API. Default 10; the embedded database always has one for both. */
  readonly maxConnections?: number | undefined
  /** How long a statement of the API may take, in milliseconds; default: no limit. */
  readonly queryTimeoutMs?: number | undefined
  /**
   * A connection to a server that awaits an answer and receives nothing for this time is given up, in milliseconds; default:
   * `SILENCE_MAX_MS`. A statement on which the server still works may take longer.
   */
  readonly silenceMs?: number | undefined
  readonly logger: Pick<Logger, 'info' | 'warn'>
}

/**
 * The journal's statements are few and large, so each is planned once. All of them look rows up by a key: without sequential
 * scans a plan that was made for a table of a few rows suits a large one, too, and the guard of a flush locks jobs in the
 * order in which they are sent.
 */
const JOURNAL_SETTINGS = { plan_cache_mode: 'force_generic_plan', enable_seqscan: 'off' }

/**
 * Opens the database that the configuration names, and proves that it answers. Sessions have the settings that Lume relies on. Throws a
 * LumeError that says what to mend and never holds the password: DATABASE_URL_INVALID (unreadable, refused user, no such
 * database), DATABASE_UNREACHABLE, DATABASE_TOO_OLD, DATABASE_POOLER_UNSUPPORTED, or what `openEmbeddedPostgres` throws.
 */
export function openDatabase(options: OpenDatabaseOptions): Promise<Database> {
  return options.databaseUrl === undefined
    ? openEmbedded(options)
    : openServer({ ...options, databaseUrl: options.databaseUrl })
}

async function openEmbedded({ dataDir, logger }: OpenDatabaseOptions): Promise<Database> {
  const onCreating = () => logger.info(`creating the embedded database in ${dataDir} (once, about 10 s)`)
  const onWaiting = () => logger.info(`waiting 10 s to see whether another process still uses ${dataDir}`)
  const embedded = await openEmbeddedPostgres({ dataDir, onCreating, onWaiting })
  const pool = createPool(embedded.connection)
  const endUpkeep = startUpkeep(pool, (failure) =>
    logger.warn({ err: failure }, 'upkeep of the database failed'),
  )
  const close = async () => {
    await endUpkeep()
    await pool.end()
    await embedded.close()
  }
  const copyFolder = async (suffix: string) => {
    // Postgres has no background processes here: after a checkpoint the files change with the next statement alone.
    await pool.query('CHECKPOINT')
    return copyFolderOnce(dataDir, suffix)
  }
  return {
    pool,
    apiPool: pool,
    journalPool: pool,
    leasePool: pool,
    probePool: pool,
    kind: 'embedded',
    createListener: null,
    copyFolder,
    close,
  }
}

async function openServer(options: OpenDatabaseOptions & { databaseUrl: string }): Promise<Database> {
  const { queryTimeoutMs, silenceMs = SILENCE_MAX_MS, maxConnections = DEFAULT_MAX_CONNECTIONS } = options
  const url = parseUrl(options.databaseUrl)
  const monitor = new SilenceMonitor({ silenceMs, askWorking: (pids) => workingOf(probePool, pids) })
  const clientClass = (settings: Readonly<Record<string, string>>, maxSilentSteps: number | null = null) =>
    monitoredClient({ monitor, silenceMs, sessionStatement: sessionStatement(settings), maxSilentSteps })
  const open = (max: number, Client: ReturnType<typeof clientClass>) =>
    shareClients(
      createPool({ connectionString: url.href, max, connectionTimeoutMillis: CONNECT_TIMEOUT_MS, Client }),
    )
  const OrdinaryClient = clientClass({})
  const probePool = open(1, clientClass({}, PROBE_STEPS))
  const pool = open(maxConnections, OrdinaryClient)
  const opened = [probePool, pool]
  const close = async () => {
    for (const each of opened.toReversed()) await each.end()
    monitor.close()
  }
  try {
    await requireSupportedVersion(pool)
    await requireSessionMode(pool)
  } catch (failure) {
    await close()
    throw failure instanceof LumeError ? failure : connectError(url, failure)
  }
  const leasePool = open(1, OrdinaryClient)
  const journalPool = open(1, clientClass(JOURNAL_SETTINGS))
  const apiPool = open(
    maxConnections,
    clientClass(queryTimeoutMs === undefined ? {} : { statement_timeout: String(queryTimeoutMs) }),
  )
  shareByOwner(apiPool, new OwnerConnections(maxConnections, systemClock))
  opened.push(leasePool, apiPool, journalPool)
  const ListeningClient = monitoredClient({
    monitor,
    silenceMs,
    sessionStatement: sessionStatement(),
    maxSilentSteps: LISTENER_STEPS,
    probeMs: silenceMs / 3,
  })
  const createListener = () =>
    new ListeningClient({ connectionString: url.href, application_name: 'lume wakeups' })
  return {
    pool,
    apiPool,
    journalPool,
    leasePool,
    probePool,
    kind: 'server',
    createListener,
    copyFolder: async () => null,
    close,
  }
}

/**
 * Those of the server processes that work on a statement or wait for a lock. One that waits for its client sends what the client does
 * not receive.
 */
async function workingOf(pool: pg.Pool, pids: readonly number[]): Promise<readonly number[]> {
  const { rows } = await pool.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity
     WHERE pid = ANY ($1::int[]) AND state = 'active' AND wait_event_type IS DISTINCT FROM 'Client'`,
    [pids],
  )
  return rows.map(({ pid }) => pid)
}

/** Marks the clients of a pool while they are in use. */
function shareClients(pool: pg.Pool): pg.Pool {
  const mark = (isInUse: boolean) => (client: pg.PoolClient) => {
    ;(client as pg.PoolClient & MonitoredClient).isInUse = isInUse
  }
  pool.on('acquire', mark(true))
  pool.on('release', (_, client) => mark(false)(client))
  return pool
}

function createPool(config: pg.PoolConfig): pg.Pool {
  const pool = new pg.Pool({ application_name: 'lume', ...config })
  // A connection that breaks (a server restart) says so itself, in use or idle, and when idle through the pool as well.
  // Either without a listener would end the process. Nothing is lost with an idle one, and a statement that is under way fails.
  pool.on('connect', (client) => client.on('error', () => undefined))
  pool.on('error', () => undefined)
  return pool
}

function parseUrl(text: string): URL {
  if (/^postgres(ql)?:/i.test(text) && URL.canParse(text)) return new URL(text)
  // The text may hold a password: it is not quoted.
  throw new LumeError(
    'DATABASE_URL_INVALID',
    'DATABASE_URL cannot be read: write postgres://user:password@host:5432/database, with special characters of the ' +
      'password percent-encoded (# is %23), or unset it to use the embedded database',
  )
}

async function requireSupportedVersion(pool: pg.Pool): Promise<void> {
  const { rows } = await pool.query<{ version: string }>(
    "SELECT current_setting('server_version') AS version",
  )
  const version = rows[0]?.version ?? 'unknown'
  if (Number.parseInt(version, 10) >= OLDEST_VERSION) return
  throw new LumeError(
    'DATABASE_TOO_OLD',
    `DATABASE_URL names a Postgres ${version}: Lume needs Postgres ${OLDEST_VERSION} or newer`,
  )
}

const REFUSALS: Readonly<Record<string, string>> = {
  '28P01': 'the server refuses the user or the password',
  '28000': 'the server refuses the user',
  '3D000': 'the server has no such database: create it, or name another',
}

function connectError(url: URL, failure: unknown): LumeError {
  const code = codeOf(failure)
  const place = `${url.username || '(no user)'}@${url.host || '(no host)'}${url.pathname}`
  const refusal = code === undefined ? undefined : REFUSALS[code]
  if (refusal) {
    return new LumeError('DATABASE_URL_INVALID', `DATABASE_URL (${place}): ${refusal}`, { cause: failure })
  }
  const reason = messageOf(failure) || code || 'no reason given'
  return new LumeError(
    'DATABASE_UNREACHABLE',
    `DATABASE_URL (${place}) cannot be reached: ${reason}. Is the server running, and may this machine connect to it?`,
    { cause: failure },
  )
}
