import { EventEmitter } from 'node:events'
import type pg from 'pg'
import { z } from 'zod'
import type { JobId, OwnerId } from '../lib/index.ts'
import type { Logger } from '../lib/log/index.ts'
import type { Clock } from '../lib/time/index.ts'
import { HELLO_MS, Peers } from './peers.ts'
import { isDataFault } from './sql/index.ts'

/**
 * Hints that there may be news; whoever gets one reads the facts from the tables. A lost hint costs latency, never data:
 * every listener also looks on its own from time to time.
 */
export interface Wakeups {
  /** These jobs have changed, and only the database knows how. */
  news(jobIds: readonly JobId[]): void
  /** The journal of this process has changed these jobs: its timelines know how. */
  committed(jobIds: readonly JobId[]): void
  /** A job's inbox has a new command. */
  command(jobId: JobId): void
  /** Holders of these jobs have to read their inboxes; canceled jobs that no worker holds may wait to be ended. */
  canceled(heldIds: readonly JobId[]): void
  /** A job wants a worker. `owner`: whose job it is; null where the caller does not know. */
  queued(owner: OwnerId | null): void
  /** Each job that has changed and that only the database knows of. */
  onNews(listener: (jobId: JobId) => void): () => void
  /** Each job that has changed. */
  onAnyNews(listener: (jobId: JobId) => void): () => void
  onCommand(listener: (jobId: JobId) => void): () => void
  onCanceled(listener: (heldIds: readonly JobId[]) => void): () => void
  onQueued(listener: (owner: OwnerId | null) => void): () => void
  /** Hints of other processes may have been lost. */
  gap(): void
  onGap(listener: () => void): () => void
  close(): Promise<void>
}

/** Wakeups inside one process: all there is on the embedded database. */
export function createLocalWakeups(): Wakeups {
  const emitter = new EventEmitter()
  // One listener per subscription: their number is not a leak.
  emitter.setMaxListeners(0)
  const on = <Args extends unknown[]>(topic: string, listener: (...args: Args) => void) => {
    emitter.on(topic, listener as (...args: unknown[]) => void)
    return () => void emitter.off(topic, listener as (...args: unknown[]) => void)
  }
  return {
    news: (jobIds) => {
      for (const id of jobIds) {
        emitter.emit('news', id)
        emitter.emit('any news', id)
      }
    },
    committed: (jobIds) => {
      for (const id of jobIds) emitter.emit('any news', id)
    },
    command: (jobId) => void emitter.emit('command', jobId),
    canceled: (heldIds) => void emitter.emit('canceled', heldIds),
    queued: (owner) => void emitter.emit('queued', owner),
    onNews: (listener) => on('news', listener),
    onAnyNews: (listener) => on('any news', listener),
    onCommand: (listener) => on('command', listener),
    onCanceled: (listener) => on('canceled', listener),
    onQueued: (listener) => on('queued', listener),
    gap: () => void emitter.emit('gap'),
    onGap: (listener) => on('gap', listener),
    async close() {
      emitter.removeAllListeners()
    },
  }
}

const CHANNEL = 'lume_wakeups'
const RECONNECT_MS = 1_000
// NOTIFY carries less than 8,000 bytes; an id takes 39.
const IDS_PER_NOTICE = 180

const noticeSchema = z.object({
  /** The process that sent it. */
  from: z.string(),
  news: z.array(z.uuid()).optional(),
  command: z.uuid().optional(),
  canceled: z.array(z.uuid()).optional(),
  queued: z.literal(true).optional(),
  /** With `queued`: whose job it is. */
  owner: z.string().optional(),
  /** The sender listens; `isNew`: it asks which other processes listen, and each of them answers with a hello. */
  hello: z.object({ isNew: z.boolean() }).optional(),
  /** The sender listens no longer. */
  goodbye: z.literal(true).optional(),
})
type Notice = z.output<typeof noticeSchema>

export interface PostgresWakeupsOptions {
  readonly pool: pg.Pool
  /** Opens the connection that listens. */
  readonly connect: () => pg.Client
  /** Tells this process's own notices from those of others. */
  readonly processId: string
  readonly clock: Pick<Clock, 'now' | 'wait'>
  readonly logger: Pick<Logger, 'warn'>
}

/**
 * Wakeups that also reach the other processes on the same Postgres server, by NOTIFY. Each process says hello when it begins
 * to listen and every `HELLO_MS` from then on. A process that knows that no other one listens sends nothing else (see `Peers`).
 */
export async function createPostgresWakeups(options: PostgresWakeupsOptions): Promise<Wakeups> {
  const local = createLocalWakeups()
  const peers = new Peers(options.clock)
  const closed = new AbortController()
  const notifier = new Notifier(options, peers, closed.signal)
  const hello = (isNew: boolean) => notifier.send({ hello: { isNew } })
  const onLost = () => {
    peers.doubt()
    local.gap()
  }
  const onListening = ({ isAgain, isAlone }: Listening) => {
    if (isAlone) peers.findNone()
    hello(true)
    if (isAgain) local.gap()
  }
  const listener = new Listener(options, { onListening, onLost, onNotice })
  function onNotice(notice: Notice): void {
    if (notice.from === options.processId) {
      if (notice.hello) peers.echo(notice.hello.isNew)
      return
    }
    if (notice.goodbye) return peers.forget(notice.from)
    peers.hear(notice.from)
    if (notice.hello?.isNew) hello(false)
    local.news((notice.news ?? []) as JobId[])
    if (notice.command) local.command(notice.command as JobId)
    if (notice.canceled) local.canceled(notice.canceled as JobId[])
    if (notice.queued) local.queued((notice.owner ?? null) as OwnerId | null)
  }
  await listener.open()
  const greeting = greet(hello, peers, { clock: options.clock, signal: closed.signal })
  return {
    ...local,
    news: (jobIds) => {
      local.news(jobIds)
      notifier.news(jobIds)
    },
    committed: (jobIds) => {
      local.committed(jobIds)
      notifier.news(jobIds)
    },
    command: (jobId) => {
      local.command(jobId)
      notifier.send({ command: jobId })
    },
    canceled: (heldIds) => {
      local.canceled(heldIds)
      for (const canceled of inNotices(heldIds)) notifier.send({ canceled })
    },
    queued: (owner) => {
      local.queued(owner)
      notifier.send({ queued: true, ...(owner === null ? {} : { owner }) })
    },
    async close() {
      closed.abort(new Error('the wakeups are closed'))
      await greeting
      await listener.close()
      notifier.send({ goodbye: true })
      await notifier.idle()
      await local.close()
    },
  }
}

/** How long a process waits at first before it asks once more who listens, in milliseconds; the wait doubles up to `HELLO_MS`. */
const ASK_AGAIN_MS = 1_000

/** Says every `HELLO_MS` that this process listens, and asks more often while no question has come back. */
async function greet(
  hello: (isQuestion: boolean) => void,
  peers: Pick<Peers, 'hasAsked'>,
  { clock, signal }: { readonly clock: Pick<Clock, 'wait'>; readonly signal: AbortSignal },
): Promise<void> {
  for (let askAgainMs = ASK_AGAIN_MS; ;) {
    const hadAsked = peers.hasAsked
    await clock.wait(hadAsked ? HELLO_MS : askAgainMs, signal).catch(() => {}) // closed: the next line ends it
    if (signal.aborted) return
    const { hasAsked } = peers
    askAgainMs = hasAsked ? ASK_AGAIN_MS : Math.min(2 * askAgainMs, HELLO_MS)
    if (hadAsked || !hasAsked) hello(!hasAsked)
  }
}

/** Ids in portions that fit into one notice each; an empty portion where there are none. */
function inNotices(ids: readonly JobId[]): JobId[][] {
  const count = Math.max(1, Math.ceil(ids.length / IDS_PER_NOTICE))
  return Array.from({ length: count }, (_, n) => ids.slice(n * IDS_PER_NOTICE, (n + 1) * IDS_PER_NOTICE))
}

/** Maximum number of job ids, and of other notices, that wait while no notice can be sent. The oldest make room. */
export const UNSENT_NOTICES_MAX = 5_000

/**
 * Sends notices after the commits that they report, with one statement in flight, and gathers job ids meanwhile. What could not be
 * sent is sent again until it is, or until the wakeups are closed. While this process knows that no other one listens, it sends only
 * that it listens itself.
 */
class Notifier {
  readonly #options: PostgresWakeupsOptions
  readonly #peers: Pick<Peers, 'mayListen'>
  readonly #closed: AbortSignal
  #news = new Set<JobId>()
  #others: Omit<Notice, 'from'>[] = []
  #sending: Promise<void> | null = null

  constructor(options: PostgresWakeupsOptions, peers: Pick<Peers, 'mayListen'>, closed: AbortSignal) {
    this.#options = options
    this.#peers = peers
    this.#closed = closed
  }

  news(jobIds: readonly JobId[]): void {
    if (!this.#peers.mayListen) return
    for (const id of jobIds) this.#news.add(id)
    this.#sending ??= this.#sendAll()
  }

  send(notice: Omit<Notice, 'from'>): void {
    if (!notice.hello && !notice.goodbye && !this.#peers.mayListen) return
    this.#others.push(notice)
    this.#sending ??= this.#sendAll()
  }

  async idle(): Promise<void> {
    await this.#sending
  }

  async #sendAll(): Promise<void> {
    const { clock, logger } = this.#options
    // All notices of this turn of the event loop are sent together.
    await Promise.resolve()
    for (let hasFailed = false; this.#news.size > 0 || this.#others.length > 0;) {
      const ids = [...this.#news]
      const others = this.#others
      this.#news = new Set()
      this.#others = []
      try {
        await this.#notify(ids, others)
        hasFailed = false
      } catch (fault) {
        if (!hasFailed)
          logger.warn({ err: fault }, 'wakeups could not be sent; other processes see the news later')
        hasFailed = true
        if (this.#closed.aborted) break
        // Sent again, they would fail again, and those behind them would wait.
        if (isDataFault(fault)) continue
        this.#keep(ids, others)
        await clock.wait(RECONNECT_MS, this.#closed).catch(() => {}) // closed: one last try
      }
    }
    this.#sending = null
  }

  async #notify(ids: readonly JobId[], others: readonly Omit<Notice, 'from'>[]): Promise<void> {
    const notices = [...others]
    for (let i = 0; i < ids.length; i += IDS_PER_NOTICE)
      notices.push({ news: ids.slice(i, i + IDS_PER_NOTICE) })
    await this.#options.pool.query('SELECT pg_notify($1, notice) FROM unnest($2::text[]) AS n(notice)', [
      CHANNEL,
      notices.map((notice) => JSON.stringify({ from: this.#options.processId, ...notice })),
    ])
  }

  /** Puts what could not be sent before what came meanwhile. */
  #keep(ids: readonly JobId[], others: readonly Omit<Notice, 'from'>[]): void {
    this.#news = new Set([...ids, ...this.#news].slice(-UNSENT_NOTICES_MAX))
    this.#others = [...others, ...this.#others].slice(-UNSENT_NOTICES_MAX)
  }
}

interface Listening {
  /** After a connection that was lost. */
  readonly isAgain: boolean
  /** No other connection listens. */
  readonly isAlone: boolean
}

interface ListenerEvents {
  readonly onNotice: (notice: Notice) => void
  /** A connection listens from now on. */
  readonly onListening: (listening: Listening) => void
  /** The connection that listened is lost. */
  readonly onLost: () => void
}

/** Keeps a connection that listens, opening another one whenever it is lost. */
class Listener {
  readonly #options: PostgresWakeupsOptions
  readonly #events: ListenerEvents
  readonly #closed = new AbortController()
  #client: pg.Client | null = null
  #reopening: Promise<void> | null = null

  constructor(options: PostgresWakeupsOptions, events: ListenerEvents) {
    this.#options = options
    this.#events = events
  }

  async open(isAgain = false): Promise<void> {
    const client = this.#options.connect()
    client.on('error', () => {}) // the connection's end follows
    client.on('notification', ({ payload }) => {
      const notice = readNotice(payload)
      if (notice) this.#events.onNotice(notice)
    })
    let isAlone: boolean
    try {
      await client.connect()
      await client.query(`LISTEN ${CHANNEL}`)
      isAlone = await signUp(client)
    } catch (fault) {
      await client.end().catch(() => {}) // the first fault is the one to report
      throw fault
    }
    this.#client = client
    this.#events.onListening({ isAgain, isAlone })
    client.once('end', () => {
      this.#client = null
      if (!this.#closed.signal.aborted) this.#events.onLost()
      this.#reopening = this.#reopen()
    })
  }

  async close(): Promise<void> {
    this.#closed.abort(new Error('the wakeups are closed'))
    await this.#reopening
    await this.#client?.end()
  }

  async #reopen(): Promise<void> {
    const { clock, logger } = this.#options
    while (!this.#client && !this.#closed.signal.aborted) {
      try {
        await clock.wait(RECONNECT_MS, this.#closed.signal)
        await this.open(true)
      } catch (fault) {
        if (this.#closed.signal.aborted) return
        logger.warn({ err: fault }, 'the connection for wakeups could not be opened again yet')
      }
    }
  }
}

/** The advisory lock that each connection that listens shares: so the database knows how many there are. */
const LISTENER_LOCK = 72_707_370

/** Counts a connection that listens among those of its database. Returns whether it is the only one. */
async function signUp(client: pg.Client): Promise<boolean> {
  await client.query(`SELECT pg_advisory_lock_shared(${LISTENER_LOCK})`)
  const { rows } = await client.query(
    `SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = 0 AND objid = ${LISTENER_LOCK} AND pid <> pg_backend_pid()
     AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
  )
  return rows.length === 0
}

/** Any client of the database can send on the channel; null for what is not a notice of Lume. */
function readNotice(payload: string | undefined): Notice | null {
  try {
    return noticeSchema.parse(JSON.parse(payload ?? ''))
  } catch {
    return null // another program's
  }
}
