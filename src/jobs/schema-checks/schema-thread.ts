import { Worker } from 'node:worker_threads'
import type { Compilation, InputCheck, TimeUp } from '../../engine/json-schema/index.ts'
import { assertNever, LumeError, messageOf } from '../../lib/index.ts'
import type { FromThread, SchemaJob, ToThread } from './messages.ts'
import { measureProcessorTime, type ProcessorTime } from './processor-time.ts'

/** The memory of the thread's heap, in MB; a job that needs more ends the thread, and with it only itself. */
export const SCHEMA_THREAD_MAX_HEAP_MB = 256
/** How often at least the processor time of a job is looked at, in milliseconds. */
const LOOK_AT_LEAST_EVERY_MS = 5
/** A job that did not get its processor time within this time ends without an answer, in milliseconds. */
const MAX_CLOCK_MS = 30_000

export type SchemaJobEnd =
  | { readonly kind: 'done'; readonly outcome: Compilation | InputCheck }
  | TimeUp
  /** It needed more memory than the thread has. */
  | { readonly kind: 'tooLarge' }
  /** The machine was too busy to do it. */
  | { readonly kind: 'starved' }

interface Current {
  readonly id: number
  readonly job: SchemaJob
  phase: 'compile' | 'check'
  time: ProcessorTime | null
  /** What the phases before have spent. */
  spentBefore: number
  readonly startedAt: number
  timer: NodeJS.Timeout | null
  readonly end: (end: SchemaJobEnd) => void
  readonly fail: (fault: Error) => void
}

/**
 * A thread for one job at a time, which is ended and replaced when a job takes longer than it may: JavaScript that does not
 * end cannot be stopped otherwise. It starts with the first job and does not keep the process alive.
 */
export class SchemaThread {
  #worker: Worker | null = null
  #task: string | null = null
  #isReady = false
  #current: Current | null = null
  #ids = 0
  #started = 0
  #isClosed = false
  readonly #ending = new Set<Promise<unknown>>()

  /** How many threads were started so far: one, and one for each that was replaced. */
  get started(): number {
    return this.#started
  }

  /** Does a job; to be called when the one before has ended. */
  async do(job: SchemaJob): Promise<{ readonly end: SchemaJobEnd; readonly spentMs: number }> {
    if (this.#isClosed) throw closed()
    if (this.#current) throw new Error('the thread of schemas does one job at a time')
    const worker = this.#worker ?? this.#start()
    let spentMs = 0
    const end = await new Promise<SchemaJobEnd>((resolve, fail) => {
      const current: Current = {
        id: ++this.#ids,
        job,
        phase: 'compile',
        time: null,
        spentBefore: 0,
        startedAt: performance.now(),
        timer: null,
        end: resolve,
        fail,
      }
      this.#current = current
      worker.ref()
      if (this.#isReady) this.#send(current)
    }).finally(() => {
      const { current } = this.#take()
      spentMs = (current?.spentBefore ?? 0) + (current?.time?.spentMs() ?? 0)
      this.#worker?.unref()
    })
    if (end.kind !== 'done') this.#replace()
    return { end, spentMs }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#current?.fail(closed())
    this.#stop()
    await Promise.all(this.#ending)
  }

  #take(): { readonly current: Current | null } {
    const current = this.#current
    this.#current = null
    if (current?.timer) clearTimeout(current.timer)
    return { current }
  }

  #start(): Worker {
    const worker = newWorker()
    this.#worker = worker
    this.#isReady = false
    this.#started++
    worker.on('message', (message: FromThread) => {
      if (this.#worker === worker) this.#receive(message)
    })
    worker.on('error', (fault: NodeJS.ErrnoException) => {
      if (this.#worker !== worker) return
      this.#worker = null
      if (fault.code === 'ERR_WORKER_OUT_OF_MEMORY') this.#current?.end({ kind: 'tooLarge' })
      else this.#current?.fail(stopped(messageOf(fault)))
    })
    worker.on('exit', (code) => {
      if (this.#worker !== worker) return
      this.#worker = null
      this.#current?.fail(stopped(`it exited with code ${code}`))
    })
    worker.unref()
    return worker
  }

  #receive(message: FromThread): void {
    const current = this.#current
    switch (message.kind) {
      case 'ready':
        this.#isReady = true
        this.#task = message.task
        if (current) this.#send(current)
        return
      case 'compiled':
        if (current?.id !== message.id) return
        current.spentBefore += current.time?.spentMs() ?? 0
        current.phase = 'check'
        current.time = measureProcessorTime(this.#task)
        return
      case 'done':
        if (current?.id === message.id) current.end({ kind: 'done', outcome: message.outcome })
        return
      default:
        assertNever(message)
    }
  }

  #send(current: Current): void {
    const message: ToThread = { id: current.id, job: current.job }
    current.time = measureProcessorTime(this.#task)
    this.#worker?.postMessage(message)
    this.#watch(current)
  }

  /** Looks again when the job could have spent its time, until it has. */
  #watch(current: Current): void {
    const { compileMs, checkMs } = current.job.limits
    const leftMs = (current.phase === 'compile' ? compileMs : checkMs) - (current.time?.spentMs() ?? 0)
    if (leftMs <= 0) {
      current.end({ kind: 'timeUp', during: current.phase })
    } else if (performance.now() - current.startedAt > MAX_CLOCK_MS) {
      current.end({ kind: 'starved' })
    } else {
      current.timer = setTimeout(() => this.#watch(current), Math.max(LOOK_AT_LEAST_EVERY_MS, leftMs))
    }
  }

  /** The next thread is ready by the time of the next job. */
  #replace(): void {
    this.#stop()
    if (!this.#isClosed) this.#start()
  }

  #stop(): void {
    const worker = this.#worker
    this.#worker = null
    if (!worker) return
    const ending = worker.terminate().finally(() => this.#ending.delete(ending))
    this.#ending.add(ending)
  }
}

function closed(): LumeError {
  return new LumeError('LUME_CLOSED', 'Lume was closed before the check was done.')
}

function stopped(reason: string): Error {
  return new Error(`the thread that checks JSON Schemas stopped: ${reason}`)
}

function newWorker(): Worker {
  const options = { resourceLimits: { maxOldGenerationSizeMb: SCHEMA_THREAD_MAX_HEAP_MB } }
  if (import.meta.url.endsWith('.js')) return new Worker(new URL('./thread.js', import.meta.url), options)
  // From source: on Node 20 a thread takes over neither the TypeScript loader of its process nor one from execArgv.
  const loader = import.meta.resolve('tsx/esm/api')
  const source = new URL('./thread.ts', import.meta.url).href
  const start = `import('${loader}').then(({ register }) => { register(); return import('${source}') })`
  return new Worker(start, { ...options, eval: true })
}
