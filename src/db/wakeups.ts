import { EventEmitter } from 'node:events'
import type pg from 'pg'
import { messageOf } from '../lib/errors.ts'
import type { JobId } from '../lib/ids.ts'
import type { Logger } from '../lib/logger.ts'

/**
 * Hints that there may be news; whoever gets one reads the facts from the tables. A lost hint costs latency, never data:
 * every listener also looks on its own from time to time.
 */
export interface Wakeups {
  /** These jobs have new events. */
  news(jobIds: readonly JobId[]): void
  /** A job's inbox has a new command. */
  command(jobId: JobId): void
  /** A job wants a worker. */
  queued(): void
  onNews(jobId: JobId, listener: () => void): () => void
  /** Every job's news, with the job's id. */
  onAnyNews(listener: (jobId: JobId) => void): () => void
  onCommand(listener: (jobId: JobId) => void): () => void
  onQueued(listener: () => void): () => void
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
    queued: () => void emitter.emit('queued'),
    onNews: (jobId, listener) => on(`news ${jobId}`, listener),
    onAnyNews: (listener) => on('news', listener),
    onCommand: (listener) => on('command', listener),
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

type Notice = {
  readonly from: string
  readonly news?: JobId[]
  readonly command?: JobId
  readonly queued?: true
}

export interface PostgresWakeupsOptions {
  readonly pool: pg.Pool
  /** Opens the connection that listens. */
  readonly connect: () => pg.Client
  /** Tells this process's own notices from those of others. */
  readonly processId: string
  readonly logger: Pick<Logger, 'warn'>
}

/** Wakeups that also reach the other processes on the same Postgres server, by NOTIFY. */
export async function createPostgresWakeups(options: PostgresWakeupsOptions): Promise<Wakeups> {
  const local = createLocalWakeups()
  const notifier = new Notifier(options)
  const listener = new Listener(options, (notice) => {
    if (notice.from === options.processId) return
    local.news(notice.news ?? [])
    if (notice.command) local.command(notice.command)
    if (notice.queued) local.queued()
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
    queued: () => {
      local.queued()
      notifier.send({ queued: true })
    },
    async close() {
      await listener.close()
      await notifier.idle()
      await local.close()
    },
  }
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

class Listener {
  readonly #options: PostgresWakeupsOptions
  readonly #onNotice: (notice: Notice) => void
  #client: pg.Client | null = null
  #retry: NodeJS.Timeout | null = null
  #isClosed = false

  constructor(options: PostgresWakeupsOptions, onNotice: (notice: Notice) => void) {
    this.#options = options
    this.#onNotice = onNotice
  }

  async open(): Promise<void> {
    const client = this.#options.connect()
    client.on('error', () => this.#reopen(client))
    client.on('end', () => this.#reopen(client))
    client.on('notification', ({ payload }) => {
      if (payload) this.#onNotice(JSON.parse(payload) as Notice)
    })
    await client.connect()
    await client.query(`LISTEN ${CHANNEL}`)
    this.#client = client
  }

  async close(): Promise<void> {
    this.#isClosed = true
    if (this.#retry) clearTimeout(this.#retry)
    await this.#client?.end()
  }

  #reopen(client: pg.Client): void {
    if (this.#isClosed || this.#retry || (this.#client && this.#client !== client)) return
    this.#client = null
    this.#retry = setTimeout(() => {
      this.#retry = null
      this.open().catch((fault: unknown) => {
        this.#options.logger.warn(
          { err: messageOf(fault) },
          'the connection for wakeups could not be opened again yet',
        )
        this.#reopen(client)
      })
    }, RECONNECT_MS)
    this.#retry.unref()
  }
}
