import { once } from 'node:events'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { assertNever, LumeError, messageOf } from '../../lib/index.ts'
import { startError, stoppedError, type Breakdown } from './folder-errors.ts'
import { PostgresStream } from './postgres-stream.ts'
import type { FromWorker, ToWorker, WorkerData } from './worker-messages.ts'

// Postgres bounds its recursion by its own stack, but deeply nested JSON and SQL use the thread's, of which the usual
// 4 MB are soon gone. Only what is used takes memory.
const STACK_MB = 128

/** Runs Postgres in a worker thread. When it breaks down its connections fail, and the next one starts it again. */
export class PostgresThread {
  readonly #dataDir: string
  readonly #streams = new Map<number, PostgresStream>()
  #worker: Promise<Worker> | null = null
  #lastConnection = 0
  #hasStarted = false
  /** Why it must not be started again. */
  #end: LumeError | null = null

  /** Postgres keeps its files in the folder `postgres` below this one. */
  constructor(dataDir: string) {
    this.#dataDir = dataDir
  }

  /** Resolves when Postgres answers. Rejects with what `startError` makes of its reason not to start. */
  async start(): Promise<void> {
    const worker = await this.#running()
    if (this.#streams.size === 0) worker.unref()
  }

  /** A new connection, for pg: it opens when pg connects it. */
  createStream(): PostgresStream {
    const connection = ++this.#lastConnection
    let worker: Worker | null = null
    const post = (message: ToWorker, transfer?: readonly ArrayBuffer[]) =>
      worker?.postMessage(message, transfer)
    const stream: PostgresStream = new PostgresStream({
      open: async () => {
        worker = await this.#running()
        if (stream.destroyed) return
        this.#streams.set(connection, stream)
        worker.ref()
        post({ kind: 'connect', connection })
      },
      send: (bytes) => post({ kind: 'bytes', connection, bytes }, [bytes.buffer]),
      close: () => {
        if (!this.#streams.delete(connection)) return
        post({ kind: 'disconnect', connection })
        if (this.#streams.size === 0) worker?.unref()
      },
      ref: () => worker?.ref(),
      unref: () => worker?.unref(),
    })
    return stream
  }

  /** Closes the database and ends the thread. */
  async stop(): Promise<void> {
    this.#end ??= new LumeError('EMBEDDED_DATABASE_STOPPED', 'the embedded database is closed')
    for (const stream of this.#streams.values()) stream.destroy()
    const worker = await this.#worker?.catch(() => null)
    if (!worker) return
    worker.ref()
    const exit = once(worker, 'exit')
    worker.postMessage({ kind: 'stop' } satisfies ToWorker)
    await exit
  }

  /** Ends the thread at once, without closing the database: the files are no longer ours to write. */
  abandon(reason: string): void {
    this.#end ??= stoppedError({ message: reason })
    this.#worker?.then(
      (worker) => worker.terminate(),
      () => undefined,
    )
  }

  #running(): Promise<Worker> {
    if (this.#end) return Promise.reject(this.#end)
    this.#worker ??= this.#launch()
    return this.#worker
  }

  async #launch(): Promise<Worker> {
    const worker = newWorker({ folder: join(this.#dataDir, 'postgres') })
    let breakdown: Breakdown = { message: 'its thread ended' }
    await new Promise<void>((resolve, reject) => {
      worker.on('message', (message: FromWorker) => {
        if (message.kind === 'ready') {
          this.#hasStarted = true
          resolve()
        } else if (message.kind === 'failed') breakdown = message
        else this.#deliver(message)
      })
      worker.on('error', (failure) => {
        breakdown = { message: messageOf(failure) }
      })
      worker.once('exit', () => {
        // A statement that a breakdown has ended can be repeated; a start that fails needs an operator.
        const failure =
          this.#end ?? (this.#hasStarted ? stoppedError(breakdown) : startError(this.#dataDir, breakdown))
        this.#worker = null
        for (const stream of this.#streams.values()) stream.destroy(failure)
        reject(failure)
      })
    })
    return worker
  }

  #deliver(message: Extract<FromWorker, { connection: number }>): void {
    const stream = this.#streams.get(message.connection)
    switch (message.kind) {
      case 'bytes':
        stream?.push(message.bytes)
        return
      case 'refused':
        stream?.destroy(
          new LumeError('EMBEDDED_DATABASE_BUSY', 'the embedded database has one connection, which is taken'),
        )
        return
      default:
        assertNever(message)
    }
  }
}

function newWorker(workerData: WorkerData): Worker {
  const options = { workerData, resourceLimits: { stackSizeMb: STACK_MB } }
  if (import.meta.url.endsWith('.js')) return new Worker(new URL('./worker.js', import.meta.url), options)
  // From source: on Node 20 a thread takes over neither the TypeScript loader of its process nor one from execArgv.
  const loader = import.meta.resolve('tsx/esm/api')
  const source = new URL('./worker.ts', import.meta.url).href
  const start = `import('${loader}').then(({ register }) => { register(); return import('${source}') })`
  return new Worker(start, { ...options, eval: true })
}
