import { EventEmitter } from 'node:events'
import type pg from 'pg'
import { z } from 'zod'
import { messageOf, type JobId, type OwnerId } from '../lib/index.ts'
import type { Logger } from '../lib/log/index.ts'
import type { Clock } from '../lib/time/index.ts'

/**
 * Hints that there may be news; whoever gets one reads the facts from the tables. A lost hint costs latency, never data:
 * every listener also looks on its own from time to time.
 */
export interface Wakeups {
  /** These jobs have new events. */
  news(jobIds: readonly JobId[]): void
  /** A job's inbox has a new command. */
  command(jobId: JobId): void
  /** Holders of these jobs have to read their inboxes; canceled jobs that no worker holds may wait to be ended. */
  canceled(heldIds: readonly JobId[]): void
  /** A job wants a worker. `owner`: whose job it is; null where the caller does not know. */
  queued(owner: OwnerId | null): void
  onNews(jobId: JobId, listener: () => void): () => void
  /** Every job's news, with the job's id. */
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
        emitter.emit(`news ${id}`)
        emitter.emit('news', id)
      }
    },
    command: (jobId) => void emitter.emit('command', jobId),
    canceled: (heldIds) => void emitter.emit('canceled', heldIds),
    queued: (owner) => void emitter.emit('queued', owner),
    onNews: (jobId, listener) => on(`news ${jobId}`, listener),
    onAnyNews: (listener) => on('news', listener),
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
})
type Notice = z.output<typeof noticeSchema>

export interface PostgresWakeupsOptions {
  readonly pool: pg.Pool
  /** Opens the connection that listens. */
  readonly connect: () => pg.Client
  /** Tells this process's own notices from those of others. */
  readonly processId: string
  readonly clock: Pick<Clock, 'wait'>
  readonly logger: Pick<Logger, 'warn'>
}

/** Wakeups that also reach the other processes on the same Postgres server, by NOTIFY. */
export async function createPostgresWakeups(options: PostgresWakeupsOptions): Promise<Wakeups> {
  const local = createLocalWakeups()
  const notifier = new Notifier(options)
  const listener = new Listener(options, (notice) => {
    if (notice.from === options.processId) return
    local.news((notice.news ?? []) as JobId[])
    if (notice.command) local.command(notice.command as JobId)
    if (notice.canceled) local.canceled(notice.canceled as JobId[])
    if (notice.queued) local.queued((notice.owner ?? null) as OwnerId | null)
  })
  await listener.open()
  return {
    ...local,
    news: (jobIds) => {
      local.news(jobIds)
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
      await listener.close()
      await notifier.idle()
      await local.close()
    },
  }
}

/** Ids in portions that fit into one notice each; an empty portion where there are none. */
function inNotices(ids: readonly JobId[]): JobId[][] {
  const count = Math.max(1, Math.ceil(ids.length / IDS_PER_NOTICE))
  return Array.from({ length: count }, (_, n) => ids.slice(n * IDS_PER_NOTICE, (n + 1) * IDS_PER_NOTICE))
}

/** Sends notices behind the commits they speak of, one statement in flight, gathering ids meanwhile. */
class Notifier {
  readonly #options: PostgresWakeupsOptions
  #news = new Set<JobId>()
  #others: Omit<Notice, 'from'>[] = []
  #sending: Promise<void> | null = null

  constructor(options: PostgresWakeupsOptions) {
    this.#options = options
  }

  news(jobIds: readonly JobId[]): void {
    for (const id of jobIds) this.#news.add(id)
    this.#sending ??= this.#sendAll()
  }

  send(notice: Omit<Notice, 'from'>): void {
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
        this.#options.logger.warn(
          { err: messageOf(fault) },
          'wakeups could not be sent; others will look by themselves',
        )
      }
    }
    this.#sending = null
  }
}

/** Keeps a connection that listens, opening another one whenever it is lost. */
class Listener {
  readonly #options: PostgresWakeupsOptions
  readonly #onNotice: (notice: Notice) => void
  readonly #closed = new AbortController()
  #client: pg.Client | null = null
  #reopening: Promise<void> | null = null

  constructor(options: PostgresWakeupsOptions, onNotice: (notice: Notice) => void) {
    this.#options = options
    this.#onNotice = onNotice
  }

  async open(): Promise<void> {
    const client = this.#options.connect()
    client.on('error', () => {}) // the connection's end follows
    client.on('notification', ({ payload }) => {
      const notice = readNotice(payload)
      if (notice) this.#onNotice(notice)
    })
    try {
      await client.connect()
      await client.query(`LISTEN ${CHANNEL}`)
    } catch (fault) {
      await client.end().catch(() => {}) // it is the first fault that tells
      throw fault
    }
    this.#client = client
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
        logger.warn({ err: messageOf(fault) }, 'the connection for wakeups could not be opened again yet')
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
