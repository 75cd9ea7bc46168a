import pg from 'pg'
import { codeOf, LumeError, messageOf } from '../lib/index.ts'
import type { Logger } from '../lib/log/index.ts'
import { systemClock } from '../lib/time/index.ts'
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
  readonly kind: 'embedded' | 'server'
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
  readonly logger: Pick<Logger, 'info' | 'warn'>
}

/**
 * The journal's statements are few and large, so each is planned once. All of them look rows up by a key: without sequential
 * scans a plan that was made for a table of a few rows suits a large one, too, and the guard of a flush locks jobs in the
 * order in which they are sent.
 */
const JOURNAL_SETTINGS = { plan_cache_mode: 'force_generic_plan', enable_seqscan: 'off' }

/**
 * Opens the database that the configuration names, and proves that it answers. Sessions are in UTC: Prisma stores
 * instants hours off otherwise. Throws a LumeError that says what to mend and never holds the password:
 * DATABASE_URL_INVALID (unreadable, refused user, no such database), DATABASE_UNREACHABLE, DATABASE_TOO_OLD, or
 * what `openEmbeddedPostgres` throws.
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
  return { pool, apiPool: pool, journalPool: pool, kind: 'embedded', copyFolder, close }
}

async function openServer(options: OpenDatabaseOptions & { databaseUrl: string }): Promise<Database> {
  const url = parseUrl(options.databaseUrl)
  const open = (max: number, settings: Readonly<Record<string, string>>) =>
    createPool({
      connectionString: withSettings(url, { TimeZone: 'UTC', ...settings }),
      max,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      keepAlive: true,
    })
  const pool = open(options.maxConnections ?? DEFAULT_MAX_CONNECTIONS, {})
  try {
    await requireSupportedVersion(pool)
  } catch (failure) {
    await pool.end()
    throw failure instanceof LumeError ? failure : connectError(url, failure)
  }
  const journalPool = open(1, JOURNAL_SETTINGS)
  const { queryTimeoutMs } = options
  const apiConnections = options.maxConnections ?? DEFAULT_MAX_CONNECTIONS
  const apiPool = open(
    apiConnections,
    queryTimeoutMs === undefined ? {} : { statement_timeout: String(queryTimeoutMs) },
  )
  shareByOwner(apiPool, new OwnerConnections(apiConnections, systemClock))
  const close = async () => {
    await journalPool.end()
    await apiPool.end()
    await pool.end()
  }
  return { pool, apiPool, journalPool, kind: 'server', copyFolder: async () => null, close }
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

/** Settings as start options of every session; options that the URL already has are kept. */
function withSettings(url: URL, settings: Readonly<Record<string, string>>): string {
  const result = new URL(url)
  const given = url.searchParams.get('options')
  const options = Object.entries(settings).map(([name, value]) => `-c ${name}=${value}`)
  result.searchParams.set('options', [...(given ? [given] : []), ...options].join(' '))
  return result.href
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
