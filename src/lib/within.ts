import { createContext, Script } from 'node:vm'
import { codeOf } from './errors.ts'

/** Synchronous work was ended because it took longer than it may. */
export class TimeUpError extends Error {
  override readonly name = 'TimeUpError'
  readonly limitMs: number

  constructor(limitMs: number) {
    super(`it took longer than ${limitMs} ms`)
    this.limitMs = limitMs
  }
}

/** Work that had less than this share of a processor did not have the time that it was given. */
const FAIR_SHARE = 0.9
/** How much more time it is given then, once. */
const MORE_TIME = 4

const watched: { work?: (() => void) | undefined } = createContext({})
const script = new Script('work()')

/**
 * Does synchronous work, which is ended where it stands after `limitMs` milliseconds: JavaScript of any kind, regular
 * expressions included, but no single long call into native code. Throws `TimeUpError` then, and else what the work throws.
 *
 * What ended work was changing is in no known state: let the work make what it changes, anew each time it is
 * begun. For it is begun once more, with four times the limit, when the machine was too busy to let the process run. A call
 * costs some 50 µs, for the thread that watches it.
 */
export function withinMs<T>(limitMs: number, work: () => T): T {
  const before = process.cpuUsage()
  const first = watch(limitMs, work)
  if (first.isDone) return first.result
  const { user, system } = process.cpuUsage(before)
  const hadItsShare = (user + system) / 1_000 >= limitMs * FAIR_SHARE
  const second = hadItsShare ? first : watch(limitMs * MORE_TIME, work)
  if (second.isDone) return second.result
  throw new TimeUpError(limitMs)
}

type Outcome<T> = { readonly isDone: true; readonly result: T } | { readonly isDone: false }

/** Only a script can be given a time limit, and it ends whatever the script calls as well. */
function watch<T>(limitMs: number, work: () => T): Outcome<T> {
  let outcome: Outcome<T> = { isDone: false }
  watched.work = () => {
    outcome = { isDone: true, result: work() }
  }
  try {
    script.runInContext(watched, { timeout: Math.ceil(limitMs) })
  } catch (thrown) {
    if (codeOf(thrown) !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw thrown
  } finally {
    watched.work = undefined
  }
  return outcome
}

/** Time that several pieces of work have together. */
export class TimeAllowance {
  #leftMs: number

  constructor(ms: number) {
    this.#leftMs = ms
  }

  get isSpent(): boolean {
    return this.#leftMs < 1
  }

  /** As `withinMs`, by the limit or by what is left of the allowance, whichever is less. */
  within<T>(limitMs: number, work: () => T): T {
    const grantedMs = Math.max(1, Math.min(limitMs, this.#leftMs))
    const startedAt = performance.now()
    try {
      return withinMs(grantedMs, work)
    } finally {
      // What a busy machine took is not its own.
      this.#leftMs -= Math.min(grantedMs, performance.now() - startedAt)
    }
  }
}
