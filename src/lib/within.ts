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

/** How often work is begun in all, where the machine did not let it run. */
const MAX_TRIES = 3

const watched: { work: (() => void) | undefined } = createContext({ work: undefined })
const script = new Script('work()')

/**
 * Does synchronous work, which is ended where it stands after `limitMs` milliseconds: JavaScript of any kind, regular
 * expressions included, but no single long call into native code. Throws `TimeUpError` then, and else what the work throws.
 *
 * What ended work was changing is in no known state: let the work make what it changes, and throw that away with it. It
 * may be begun again: time in which the whole process stood still is not held against it. A call costs some 50 µs, for the
 * thread that watches it.
 */
export function withinMs<T>(limitMs: number, work: () => T): T {
  for (let tries = 1; ; tries++) {
    const before = process.cpuUsage()
    try {
      return watch(limitMs, work)
    } catch (thrown) {
      if (codeOf(thrown) !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw thrown
      const { user, system } = process.cpuUsage(before)
      const stoodStill = (user + system) / 1_000 < limitMs / 2
      if (!stoodStill || tries >= MAX_TRIES) throw new TimeUpError(limitMs)
    }
  }
}

/** Only a script can be given a time limit, and it ends whatever the script calls as well. */
function watch<T>(limitMs: number, work: () => T): T {
  const done: { result?: T } = {}
  watched.work = () => {
    done.result = work()
  }
  try {
    script.runInContext(watched, { timeout: Math.max(1, Math.ceil(limitMs)) })
  } finally {
    watched.work = undefined
  }
  return done.result as T
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
    const startedAt = performance.now()
    try {
      return withinMs(Math.max(1, Math.min(limitMs, this.#leftMs)), work)
    } finally {
      this.#leftMs -= performance.now() - startedAt
    }
  }
}
