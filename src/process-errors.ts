import { syncBuiltinESMExports } from 'node:module'
import { inspect } from 'node:util'
import { bindUserCode, BlockError, currentUserCode, leaveUserCode } from './engine/block/index.ts'

/** Receives an error that belongs to no call of user code. */
export type OnUnattributedError = (error: unknown) => void

export interface ProcessErrorsOptions {
  /**
   * Not null: the process belongs to Lume. Errors without an attribution go here and the process continues, and user code
   * may not end the process. Null: such errors are left to the listeners of the program that Lume is a part of, or to what
   * Node does without any.
   */
  readonly onUnattributed: OnUnattributedError | null
}

/** The code of the error with which `process.exit` and `process.abort` are refused to user code. */
const PROCESS_EXIT_REFUSED = 'PROCESS_EXIT_REFUSED'

// The handlers of a process exist once, however many Lumes are open in it.
const open = new Set<ProcessErrorsOptions>()
const restore: (() => void)[] = []

/**
 * Catches uncaught exceptions and unhandled rejections of user code, until the returned function is called, and hands each
 * to the call that it comes from. Other listeners of the process are called as always.
 */
export function watchProcessErrors(options: ProcessErrorsOptions): () => void {
  open.add(options)
  if (open.size === 1) install()
  if (options.onUnattributed) refuseExit()
  return () => {
    if (open.delete(options) && open.size === 0) uninstall()
  }
}

function install(): void {
  process.on('uncaughtException', onUncaughtException)
  process.on('unhandledRejection', onUnhandledRejection)
  attributeMicrotasks()
}

function uninstall(): void {
  process.off('uncaughtException', onUncaughtException)
  process.off('unhandledRejection', onUnhandledRejection)
  for (const undo of restore.splice(0).reverse()) undo()
}

function onUncaughtException(error: unknown): void {
  if (attribute(error) || process.listenerCount('uncaughtException') > 1) return
  rethrow(error)
}

function onUnhandledRejection(reason: unknown): void {
  if (attribute(reason) || process.listenerCount('unhandledRejection') > 1) return
  if (rejectionMode() !== 'throw') return
  const error = reason instanceof Error ? reason : new Error(`a promise was rejected with ${inspect(reason)}`)
  process.nextTick(() => {
    throw error
  })
}

/** True when the error has been taken care of. */
function attribute(error: unknown): boolean {
  const code = currentUserCode()
  if (code) {
    leaveUserCode(() => code.onUnhandledError(error))
    return true
  }
  const owner = [...open].find(({ onUnattributed }) => onUnattributed !== null)
  owner?.onUnattributed?.(error)
  return owner !== undefined
}

/** Does what Node does when nothing listens: prints the error and ends the process with code 1. */
function rethrow(error: unknown): void {
  uninstall()
  process.nextTick(() => {
    throw error
  })
}

/** What the program was started with: a listener takes the place of `throw` only. */
function rejectionMode(): string {
  const given = `${process.env.NODE_OPTIONS ?? ''} ${process.execArgv.join(' ')}`
  return /.*--unhandled-rejections=([\w-]+)/.exec(given)?.[1] ?? 'throw'
}

/** On Node 20 an exception of a `queueMicrotask` callback reaches the process without its asynchronous context. */
function attributeMicrotasks(): void {
  const original = globalThis.queueMicrotask
  const attributing: typeof queueMicrotask = (callback) =>
    original(typeof callback === 'function' ? bindUserCode(callback) : callback)
  globalThis.queueMicrotask = attributing
  restore.push(() => {
    if (globalThis.queueMicrotask === attributing) globalThis.queueMicrotask = original
  })
}

/** User code that ends the process would end every other execution with it. */
function refuseExit(): void {
  for (const name of ['exit', 'abort'] as const) {
    const original = process[name]
    const refusing = (code?: number | string | null): never => {
      if (currentUserCode()) throw exitRefused(`process.${name}`)
      return original.call(process, code)
    }
    process[name] = refusing
    restore.push(() => {
      if (process[name] === refusing) process[name] = original
    })
  }
  // For modules that import the functions by name.
  syncBuiltinESMExports()
}

function exitRefused(call: string): BlockError {
  const message = `${call} is refused: other executions run in this process. Throw an error to fail the step.`
  return new BlockError(PROCESS_EXIT_REFUSED, message)
}
