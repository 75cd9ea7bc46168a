import type { HttpPort } from './run-context.ts'
import { BlockError, LOG_LEVELS, type BlockContext, type BlockLog, type BlockUsage } from './block.ts'
import type { LogLevel } from './block.ts'
import type { Expression, Scope } from './expression.ts'
import type { Json, JsonObject } from '../lib/json.ts'

/** What a context hands on as it is. */
type Given = Pick<
  BlockContext,
  | 'config'
  | 'input'
  | 'attempt'
  | 'idempotencyKey'
  | 'clock'
  | 'random'
  | 'execution'
  | 'path'
  | 'secrets'
  | 'children'
  | 'checkpoints'
>

/** What one attempt works with. */
export interface AttemptWorld extends Given {
  readonly http: HttpPort
  readonly scope: Scope
  readonly expressions: ReadonlyMap<string, Expression>
  readonly reports: AttemptReports
}

/** Where an attempt's reports go. */
export interface AttemptReports {
  log(level: LogLevel, message: string, fields: JsonObject | undefined): void
  progress(fraction: number, message: string | undefined): void
  usage(used: BlockUsage): void
  stream(text: string): void
  /** Resolves once the value is committed. */
  checkpoint(key: string, value: Json): Promise<void>
}

export interface AttemptContext {
  readonly view: BlockContext
  abort(reason: unknown): void
  /** From then on nothing that the block does through the view has an effect. */
  close(): void
}

/** Opens what a block sees of its attempt; `onAlive` is called at every sign of life. */
export function openAttemptContext(world: AttemptWorld, onAlive: () => void): AttemptContext {
  const { scope, expressions, reports, http, ...given } = world
  let isOpen = true
  // Most blocks never look at the signal; it is made for those that do.
  let controller: AbortController | null = null
  let aborted: { readonly reason: unknown } | null = null
  const whileOpen = (report: () => void) => {
    if (!isOpen) return
    onAlive()
    report()
  }
  const view: BlockContext = {
    ...given,
    get signal() {
      if (controller) return controller.signal
      controller = new AbortController()
      if (aborted) controller.abort(aborted.reason)
      return controller.signal
    },
    http: { send: (request) => http.send(request, { signal: view.signal, clock: view.clock }) },
    log: Object.fromEntries(
      LOG_LEVELS.map((level) => [
        level,
        (message: string, fields?: JsonObject) => whileOpen(() => reports.log(level, message, fields)),
      ]),
    ) as BlockLog,
    evaluate(source: string, bindings: JsonObject = {}): Json {
      const expression = expressions.get(source)
      if (!expression) throw new Error('the block does not declare this expression')
      return expression.evaluate({ ...scope, ...bindings })
    },
    progress(fraction, message) {
      if (fraction >= 0 && fraction <= 1) whileOpen(() => reports.progress(fraction, message))
    },
    heartbeat: () => whileOpen(() => {}),
    usage: (used) => whileOpen(() => reports.usage(used)),
    stream: (text) => whileOpen(() => reports.stream(text)),
    async checkpoint(key, value) {
      if (!isOpen)
        throw new BlockError('ATTEMPT_OVER', 'The attempt is over: nothing more is recorded of it.')
      onAlive()
      await reports.checkpoint(key, value)
    },
  }
  return {
    view,
    abort(reason) {
      aborted ??= { reason }
      controller?.abort(reason)
    },
    close() {
      isOpen = false
    },
  }
}
