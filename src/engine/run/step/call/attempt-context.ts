import {
  ExpressionError,
  MAX_VISITS as EXPRESSION_MAX_VISITS,
  Meter,
  type Expression,
  type Scope,
} from '../../../../cel/index.ts'
import type { Json, JsonObject } from '../../../../lib/json/index.ts'
import type { Clock } from '../../../../lib/time/index.ts'
import {
  BlockError,
  leaveUserCode,
  type BlockAnswers,
  type BlockChildren,
  type BlockContext,
  type BlockHttp,
  type BlockLog,
  type BlockSecrets,
  type BlockUsage,
  type LogLevel,
} from '../../../block/index.ts'
import type { InputCheck, SchemaChecker } from '../../../json-schema/index.ts'
import type { HttpPort } from '../../context/index.ts'

/**
 * Maximum number of elements that the evaluations of one attempt visit together, such as the condition of a `core.filter`
 * for each of its items; one evaluation alone visits at most `EXPRESSION_MAX_VISITS`.
 */
export const ATTEMPT_MAX_VISITS = 20_000_000

const TOO_MANY_VISITS = `the evaluations of one attempt visit more than ${ATTEMPT_MAX_VISITS} elements together; let them work on a smaller list, or in smaller steps`

/** What one attempt works with. What most blocks never look at is made when it is asked for. */
export interface AttemptWorld {
  readonly config: unknown
  readonly input: Json
  readonly attempt: number
  readonly idempotencyKey: string
  readonly path: string
  readonly clock: Clock
  readonly random: () => number
  readonly http: HttpPort
  readonly scope: Scope
  readonly expressions: ReadonlyMap<string, Expression>
  readonly schemas: SchemaChecker
  readonly reports: AttemptReports
  readonly execution: () => BlockContext['execution']
  readonly secrets: () => BlockSecrets
  readonly children: () => BlockChildren
  readonly checkpoints: () => { readonly [key: string]: Json }
  readonly reserveMemory: (bytes: number) => Promise<void>
  readonly answers: BlockAnswers
  readonly yieldToEventLoop: () => Promise<void>
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

/**
 * What a block sees of its attempt. Everything is a getter, so that opening one costs nothing, and gives functions that
 * need no `this`, so that a block may take its context apart.
 */
export class AttemptContext implements BlockContext {
  readonly #world: AttemptWorld
  readonly #onAlive: () => void
  #isOpen = true
  /** The visits that its evaluations may still make. */
  #visitsLeft = ATTEMPT_MAX_VISITS
  #controller: AbortController | null = null
  #aborted: { readonly reason: unknown } | null = null

  /** `onAlive` is called at every sign of life. */
  constructor(world: AttemptWorld, onAlive: () => void) {
    this.#world = world
    this.#onAlive = onAlive
  }

  get config(): unknown {
    return this.#world.config
  }
  get input(): Json {
    return this.#world.input
  }
  get attempt(): number {
    return this.#world.attempt
  }
  get idempotencyKey(): string {
    return this.#world.idempotencyKey
  }
  get path(): string {
    return this.#world.path
  }
  get clock(): Clock {
    return this.#world.clock
  }
  get random(): () => number {
    return this.#world.random
  }
  get execution(): BlockContext['execution'] {
    return this.#world.execution()
  }
  get secrets(): BlockSecrets {
    return this.#world.secrets()
  }
  get children(): BlockChildren {
    const children = this.#world.children()
    return {
      start: async (request) => {
        this.#requireOpen()
        return leaveUserCode(() => children.start(request))
      },
    }
  }
  get checkpoints(): { readonly [key: string]: Json } {
    return this.#world.checkpoints()
  }

  get signal(): AbortSignal {
    if (this.#controller) return this.#controller.signal
    this.#controller = new AbortController()
    if (this.#aborted) this.#controller.abort(this.#aborted.reason)
    return this.#controller.signal
  }

  get http(): BlockHttp {
    const { http, clock, answers } = this.#world
    const { reserveMemory } = this
    return {
      send: (request) => http.send(request, { signal: this.signal, clock, reserveMemory, answers }),
    }
  }

  get yieldToEventLoop() {
    return (): Promise<void> => this.#world.yieldToEventLoop()
  }

  get reserveMemory() {
    return (bytes: number): Promise<void> => this.#world.reserveMemory(bytes)
  }

  get answers(): BlockAnswers {
    return this.#world.answers
  }

  get log(): BlockLog {
    const at = (level: LogLevel) => (message: string, fields?: JsonObject) =>
      this.#report((reports) => reports.log(level, message, fields))
    return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
  }

  get evaluate() {
    const { expressions, scope } = this.#world
    return (source: string, bindings: JsonObject = {}): Json => {
      const expression = expressions.get(source)
      if (!expression) throw new Error('the block does not declare this expression')
      if (this.#visitsLeft <= 0) throw new ExpressionError('EXPRESSION_TOO_COSTLY', TOO_MANY_VISITS)
      const budget = Math.min(EXPRESSION_MAX_VISITS, this.#visitsLeft)
      const meter = new Meter(budget)
      try {
        return expression.evaluate({ ...scope, ...bindings }, meter)
      } finally {
        this.#visitsLeft -= budget - Math.max(0, meter.left)
      }
    }
  }

  get checkJson() {
    const { schemas } = this.#world
    return async (schema: JsonObject | boolean, value: Json): Promise<InputCheck> =>
      (await schemas.check(schema, value)).answer
  }

  get progress() {
    return (fraction: number, message?: string): void => {
      if (fraction >= 0 && fraction <= 1) this.#report((reports) => reports.progress(fraction, message))
    }
  }

  get heartbeat() {
    return (): void => this.#report(() => {})
  }

  get usage() {
    return (used: BlockUsage): void => this.#report((reports) => reports.usage(used))
  }

  get stream() {
    return (text: string): void => this.#report((reports) => reports.stream(text))
  }

  get checkpoint() {
    return async (key: string, value: Json): Promise<void> => {
      this.#requireOpen()
      this.#onAlive()
      await leaveUserCode(() => this.#world.reports.checkpoint(key, value))
    }
  }

  /** Aborts its signal. Static, like `close`, since a block that holds a context has no business with them. */
  static abort(context: AttemptContext, reason: unknown): void {
    context.#aborted ??= { reason }
    context.#controller?.abort(reason)
  }

  /** From then on nothing that the block does through its context has an effect. */
  static close(context: AttemptContext): void {
    context.#isOpen = false
  }

  #report(tell: (reports: AttemptReports) => void): void {
    if (!this.#isOpen) return
    this.#onAlive()
    leaveUserCode(() => tell(this.#world.reports))
  }

  #requireOpen(): void {
    if (!this.#isOpen)
      throw new BlockError('ATTEMPT_OVER', 'The attempt is over: nothing more is recorded of it.')
  }
}
