import { EventEmitter } from 'node:events'
import type pg from 'pg'
import { z } from 'zod'
import type { JobId, OwnerId } from '../lib/index.ts'
import type { Logger } from '../lib/log/index.ts'
import type { Clock } from '../lib/time/index.ts'

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
  /** The sender listens; `isNew`: it wants to know who else does. */
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
 * to listen and every `HELLO_MS` from then on, and nothing is sent while no other process listens.
 */
export async function createPostgresWakeups(options: PostgresWakeupsOptions): Promise<Wakeups> {
  const local = createLocalWakeups()
  const peers = new Peers(options.clock)
  const notifier = new Notifier(options, peers)
  const hello = (isNew: boolean) => notifier.send({ hello: { isNew } })
  const onListening = () => hello(true)
  const listener = new Listener(options, { onListening, onNotice })
  function onNotice(notice: Notice): void {
    if (notice.from === options.processId) return
    if (notice.goodbye) return peers.forget(notice.from)
    peers.hear(notice.from)
    if (notice.hello?.isNew) hello(false)
    local.news((notice.news ?? []) as JobId[])
    if (notice.command) local.command(notice.command as JobId)
    if (notice.canceled) local.canceled(notice.canceled as JobId[])
    if (notice.queued) local.queued((notice.owner ?? null) as OwnerId | null)
  }
  await listener.open()
  const closed = new AbortController()
  const greeting = greetFromTimeToTime(() => hello(false), options.clock, closed.signal)
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

/** How often a process says that it listens, in milliseconds. */
export const HELLO_MS = 20_000
/** How long after its last notice a process counts as listening, in milliseconds. */
export const PEER_MS = 3 * HELLO_MS

async function greetFromTimeToTime(
  greet: () => void,
  clock: Pick<Clock, 'wait'>,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    await clock.wait(HELLO_MS, signal).catch(() => {})
    if (signal.aborted) return
    greet()
  }
}

/** The other processes that listen, by when they were last heard. */
class Peers {
  readonly #clock: Pick<Clock, 'now'>
  readonly #heardAt = new Map<string, number>()

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock
  }

  get areThere(): boolean {
    const since = this.#clock.now() - PEER_MS
    for (const [peer, at] of this.#heardAt) if (at < since) this.#heardAt.delete(peer)
    return this.#heardAt.size > 0
  }

  hear(peer: string): void {
    this.#heardAt.set(peer, this.#clock.now())
  }

  forget(peer: string): void {
    this.#heardAt.delete(peer)
  }
}

/** Ids in portions that fit into one notice each; an empty portion where there are none. */
function inNotices(ids: readonly JobId[]): JobId[][] {
  const count = Math.max(1, Math.ceil(ids.length / IDS_PER_NOTICE))
  return Array.from({ length: count }, (_, n) => ids.slice(n * IDS_PER_NOTICE, (n + 1) * IDS_PER_NOTICE))
}

/**
 * Sends notices behind the commits they speak of, one statement in flight, gathering ids meanwhile. While no other process
 * listens it sends only who listens.
 */
class Notifier {
  readonly #options: PostgresWakeupsOptions
  readonly #peers: Peers
  #news = new Set<JobId>()
  #others: Omit<Notice, 'from'>[] = []
  #sending: Promise<void> | null = null

  constructor(options: PostgresWakeupsOptions, peers: Peers) {
    this.#options = options
    this.#peers = peers
  }

  news(jobIds: readonly JobId[]): void {
    if (!this.#peers.areThere) return
    for (const id of jobIds) this.#news.add(id)
    this.#sending ??= this.#sendAll()
  }

  send(notice: Omit<Notice, 'from'>): void {
    if (!notice.hello && !notice.goodbye && !this.#peers.areThere) return
    this.#others.push(notice)
    this.#sending ??= this.#sendAll()
  }

  async idle(): Promise<void> {
    await this.#sending
  }

  async #sendAll(): Promise<void> {
    // Everything that is told in this turn of the event loop goes together.
    await Promise.resolve()
    while (this.#news.size > 0 || this.#others.length > 0) {
      const ids = [...this.#news]
      const notices = this.#others
      this.#news = new Set()
      this.#others = []
      for (let i = 0; i < ids.length; i += IDS_PER_NOTICE)
        notices.push({ news: ids.slice(i, i + IDS_PER_NOTICE) })
      try {
        await this.#options.pool.query('SELECT pg_notify($1, notice) FROM unnest($2::text[]) AS n(notice)', [
          CHANNEL,
          notices.map((notice) => JSON.stringify({ from: this.#options.processId, ...notice })),
        ])
      } catch (fault) {
        this.#options.logger.warn({ err: fault }, 'wakeups could not be sent; others will look by themselves')
      }
    }
    this.#sending = null
  }
}

interface ListenerEvents {
  readonly onNotice: (notice: Notice) => void
  /** A connection listens from now on. */
  readonly onListening: () => void
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

  async open(): Promise<void> {
    const client = this.#options.connect()
    client.on('error', () => {}) // the connection's end follows
    client.on('notification', ({ payload }) => {
      const notice = readNotice(payload)
      if (notice) this.#events.onNotice(notice)
    })
    try {
      await client.connect()
      await client.query(`LISTEN ${CHANNEL}`)
    } catch (fault) {
      await client.end().catch(() => {}) // it is the first fault that tells
      throw fault
    }
    this.#client = client
    this.#events.onListening()
    client.once('end', () => {
      this.#client = null
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
        await this.open()
      } catch (fault) {
        if (this.#closed.signal.aborted) return
        logger.warn({ err: fault }, 'the connection for wakeups could not be opened again yet')
      }
    }
  }
}

/** Whoever may connect to the database may send anything on the channel; null for what is no notice of ours. */
function readNotice(payload: string | undefined): Notice | null {
  try {
    return noticeSchema.parse(JSON.parse(payload ?? ''))
  } catch {
    return null // not ours
  }
}
