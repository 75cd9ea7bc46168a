import { createContext, Script } from 'node:vm'
import { codeOf } from '../index.ts'

/** Synchronous work was ended because it took longer than it may. */
export class TimeUpError extends Error {
  override readonly name = 'TimeUpError'
  readonly limitMs: number

  constructor(limitMs: number) {
    super(`it took longer than ${limitMs} ms`)
    this.limitMs = limitMs
  }
}

const watched: { work?: (() => void) | undefined } = createContext({})
const script = new Script('work()')

/**
 * Does synchronous work, which is ended where it stands after `limitMs` milliseconds: JavaScript of any kind, regular
 * expressions included, but no single long call into native code. Throws `TimeUpError` then, and else what the work throws.
 *
 * The time is that of the clock, so on a busy machine less work fits into it: what decides about a user's value must not
 * end with this time, but go on elsewhere. What ended work was changing is in no known state. A call costs some 50 µs, for
 * the thread that watches it.
 */
export function withinMs<T>(limitMs: number, work: () => T): T {
  let outcome: { readonly result: T } | null = null
  watched.work = () => {
    outcome = { result: work() }
  }
  try {
    // Only a script can have a time limit, and it ends whatever the script calls as well.
    script.runInContext(watched, { timeout: Math.ceil(limitMs) })
  } catch (thrown) {
    if (codeOf(thrown) !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw thrown
  } finally {
    watched.work = undefined
  }
  const done = outcome as { readonly result: T } | null
  if (done) return done.result
  throw new TimeUpError(limitMs)
}
