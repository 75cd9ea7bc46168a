import {
  COMPILE_TIME_UP,
  NEAR_SCHEMA_MAX_LENGTH,
  NearSchemas,
  SCHEMA_CHECK_MS,
  SCHEMA_COMPILE_MS,
  SCHEMA_MAX_LENGTH,
  schemaKey,
  timeUpReason,
  type Compilation,
  type InputCheck,
  type SchemaChecker,
  type Timed,
} from '../../engine/json-schema/index.ts'
import type { Asker, SchemaCheckers } from '../../engine/validate/index.ts'
import {
  isTurnOver,
  OwnerBusyError,
  OwnerTurns,
  yieldToEventLoop,
  type Allowance,
} from '../../lib/turns/index.ts'
import { LumeError } from '../../lib/index.ts'
import type { Json, JsonObject } from '../../lib/json/index.ts'
import type { SchemaJob } from './messages.ts'
import { SchemaThread, type SchemaJobEnd } from './schema-thread.ts'

/** How many checks of one owner may wait for the thread, beyond which `VALIDATION_BUSY` is the answer. */
export const SCHEMA_CHECKS_MAX_WAITING = 100
/** The processor time that checks of one owner may take in the thread. */
export const SCHEMA_CHECKS_ALLOWANCE: Allowance = { burstMs: 2_000, perSecondMs: 100 }

export interface SchemaChecksOptions {
  readonly maxWaiting?: number
  readonly allowance?: Allowance
  readonly now?: () => number
}

/** What a new thread costs, in milliseconds of processor time: the owner of the job that ended the old one pays it. */
const REPLACEMENT_MS = 500
const MAX_SLOW = 1_000
const TOO_MUCH_MEMORY = 'needs more memory than it may have'
const STARVED = 'The server is too busy to check JSON Schemas now. Send the request again later.'
const STARVED_RETRY_MS = 5_000

/**
 * Checks with JSON Schemas of users, so that no one of them keeps the event loop. Short schemas are compiled, and values
 * checked by them, where they are asked for, within some milliseconds. What is longer, or takes longer, is done in a thread
 * that all owners share by turns, each within an allowance of processor time.
 */
export class SchemaChecks {
  readonly #near = new NearSchemas()
  readonly #thread = new SchemaThread()
  readonly #turns: OwnerTurns
  /** Schemas that took too long here before, by owner; the oldest first. */
  readonly #slow = new Set<string>()

  constructor({
    maxWaiting = SCHEMA_CHECKS_MAX_WAITING,
    allowance = SCHEMA_CHECKS_ALLOWANCE,
    now,
  }: SchemaChecksOptions = {}) {
    this.#turns = new OwnerTurns({
      what: 'checks of JSON Schemas',
      maxWaiting,
      allowance,
      ...(now ? { now } : {}),
    })
  }

  /** How many threads were started so far. */
  get threadsStarted(): number {
    return this.#thread.started
  }

  /** Each short question may keep the thread for some milliseconds, so only a few of them are answered in one turn of the event loop. */
  readonly for: SchemaCheckers = (asker) => ({
    compile: (schema, limitMs = SCHEMA_COMPILE_MS) =>
      isTurnOver()
        ? yieldToEventLoop().then(() => this.#compile(asker, schema, limitMs))
        : this.#compile(asker, schema, limitMs),
    check: (schema, value) =>
      isTurnOver()
        ? yieldToEventLoop().then(() => this.#check(asker, schema, value))
        : this.#check(asker, schema, value),
  })

  async close(): Promise<void> {
    this.#turns.close(new LumeError('LUME_CLOSED', 'Lume was closed before the check was done.'))
    await this.#thread.close()
  }

  #compile(
    asker: Asker,
    schema: JsonObject | boolean,
    limitMs: number,
  ): ReturnType<SchemaChecker['compile']> {
    const text = schemaKey(schema)
    if (text.length > SCHEMA_MAX_LENGTH) return { answer: TOO_LONG, spentMs: 0 }
    const near = this.#atOnce(asker, text, () => this.#near.compile(schema))
    if (near) return near
    const limits = { compileMs: Math.min(limitMs, SCHEMA_COMPILE_MS), checkMs: 0 }
    return this.#inThread(asker, { kind: 'compile', schema: text, limits }, (end): Compilation => {
      if (end.kind === 'done') return end.outcome as Compilation
      return { kind: 'refused', reason: end.kind === 'tooLarge' ? TOO_MUCH_MEMORY : COMPILE_TIME_UP }
    })
  }

  #check(asker: Asker, schema: JsonObject | boolean, value: Json): ReturnType<SchemaChecker['check']> {
    const text = schemaKey(schema)
    if (text.length > SCHEMA_MAX_LENGTH)
      return { answer: { kind: 'unchecked', reason: `its schema ${TOO_LONG.reason}` }, spentMs: 0 }
    const near = this.#atOnce(asker, text, () => this.#near.check(schema, value))
    if (near) return near
    const limits = { compileMs: SCHEMA_COMPILE_MS, checkMs: SCHEMA_CHECK_MS }
    const job: SchemaJob = { kind: 'check', schema: text, value: JSON.stringify(value), limits }
    return this.#inThread(asker, job, (end): InputCheck => {
      if (end.kind === 'done') return end.outcome as InputCheck
      return {
        kind: 'unchecked',
        reason: end.kind === 'timeUp' ? timeUpReason(end) : `it ${TOO_MUCH_MEMORY}`,
      }
    })
  }

  /** The answer, if it takes no time to speak of; null: it is for the thread. */
  #atOnce<T>({ ownerId }: Asker, text: string, ask: () => T | null): Timed<T> | null {
    if (text.length > NEAR_SCHEMA_MAX_LENGTH) return null
    const key = `${ownerId} ${text}`
    if (this.#slow.has(key)) return null
    const startedAt = performance.now()
    const answer = ask()
    if (answer !== null) return { answer, spentMs: performance.now() - startedAt }
    this.#slow.add(key)
    const [oldest] = this.#slow
    if (this.#slow.size > MAX_SLOW && oldest !== undefined) this.#slow.delete(oldest)
    return null
  }

  #inThread<T>(asker: Asker, job: SchemaJob, answerOf: (end: SchemaJobEnd) => T): Promise<Timed<T>> {
    const { ownerId } = asker
    const work = async (): Promise<Timed<T>> => {
      for (;;) {
        const { end, spentMs } = await this.#thread.do(job)
        this.#turns.charge(ownerId, spentMs + (end.kind === 'done' ? 0 : REPLACEMENT_MS))
        if (end.kind !== 'starved') return { answer: answerOf(end), spentMs }
        if (asker.isRefusable) throw new OwnerBusyError(STARVED, STARVED_RETRY_MS)
      }
    }
    return this.#turns.run(ownerId, work, asker)
  }
}

const TOO_LONG = {
  kind: 'refused',
  reason: `has more than ${SCHEMA_MAX_LENGTH} characters`,
} as const satisfies Compilation
