import type { ClaimedJournal } from '../../db/journal/index.ts'
import { callUserCode, leaveUserCode, readOutput } from '../../engine/block/index.ts'
import { event, failureOf, type EventDraft, type JobChange, type JobEnd } from '../../engine/record/index.ts'
import { recordEnd, type RunEnd, type RunSignals } from '../../engine/run/index.ts'
import { codeOf } from '../../lib/index.ts'
import type { Clock } from '../../lib/time/index.ts'
import type { JobCode } from './job-code.ts'

/** What a handler function may use. */
export interface HandlerContext {
  /** Aborts on cancel and when the process stops. */
  readonly signal: AbortSignal
  /** Reports progress in percent, from 0 to 99, and optionally says what is going on. It becomes a timeline event. */
  progress(percent: number, message?: string): void
}

/** A job's work as a function of this process. What it returns, as plain JSON, is the job's result. */
export type Handler = (context: HandlerContext) => Promise<unknown>

export interface HandlerRun {
  readonly handler: Handler
  /** What the errors that the handler leaves unhandled are attributed to. */
  readonly code: JobCode
  readonly journal: ClaimedJournal
  readonly signals: RunSignals
  readonly clock: Clock
}

/** The code of a job whose handler function left an error unhandled while it ran. */
export const HANDLER_UNHANDLED_ERROR = 'HANDLER_UNHANDLED_ERROR'

const MAX_HANDLER_PERCENT = 99
const MAX_MESSAGE_LENGTH = 1_000
/** How long a canceled handler may take to settle. */
const GRACE_MS = 5_000

/** Runs a handler function under a claim, with the same life and timeline as any other job. */
export async function runHandler({ handler, code, journal, signals, clock }: HandlerRun): Promise<RunEnd> {
  let percent = 0
  let isOpen = true
  const note = (draft: EventDraft, job: Partial<JobChange> = {}) => {
    // A failure of the journal fails the last entry, too.
    journal.note({ events: [draft], job: { progress: percent, ...job } }, () => {})
  }
  const stop = new AbortController()
  // What listens to the signal is the handler's code: Node reports what a listener throws as an uncaught exception.
  const abort = (reason: string) => callUserCode(code, () => stop.abort(new Error(reason)))
  const onCancel = () => {
    if (stop.signal.aborted) return
    note(event('JOB_CANCELING', clock.now(), {}), { status: 'CANCELING' })
    abort('a user canceled the job')
  }
  const onYield = () => abort('the process stops, or has lost the job')
  signals.inbox.canceled.addEventListener('abort', onCancel, { once: true })
  signals.yield.addEventListener('abort', onYield, { once: true })

  // The handler acts on the outside: the start is committed before, under a fence that holds.
  const startedAt = clock.now()
  await journal.append({
    events: [event('JOB_STARTED', startedAt, {})],
    job: { progress: percent, status: 'RUNNING', startedAt },
  })
  const context: HandlerContext = {
    signal: stop.signal,
    progress(value, message) {
      if (!isOpen || !Number.isFinite(value)) return
      percent = Math.min(MAX_HANDLER_PERCENT, Math.max(percent, value))
      const text = message?.slice(0, MAX_MESSAGE_LENGTH) ?? null
      leaveUserCode(() => note(event('JOB_PROGRESS', clock.now(), { message: text })))
    },
  }
  const result: Settled = stop.signal.aborted
    ? { kind: 'stopped' }
    : await settleInTime(() => handler(context), { code, signal: stop.signal, clock })
  isOpen = false
  signals.inbox.canceled.removeEventListener('abort', onCancel)
  signals.yield.removeEventListener('abort', onYield)
  if (result.kind === 'leftUnhandled') abort('the handler left an error unhandled')
  if (signals.yield.aborted) return { kind: 'yielded' }
  // To read the result may run getters and `toJSON` functions of the handler.
  const end = callUserCode(code, () =>
    endOf({ result, isCanceled: signals.inbox.canceled.aborted, at: clock.now() }),
  )
  return recordEnd(journal, end, { progress: percent })
}

type Settled =
  | { readonly kind: 'returned'; readonly value: unknown }
  | { readonly kind: 'threw'; readonly thrown: unknown }
  /** An error came to the process instead of the handler's promise: from a timer, an emitter or a promise that it did not await. */
  | { readonly kind: 'leftUnhandled'; readonly error: unknown }
  | { readonly kind: 'stopped' }

/** What a handler comes to; one that does not settle within the grace after the signal aborts is left behind. */
async function settleInTime(
  call: () => Promise<unknown>,
  { code, signal, clock }: { readonly code: JobCode; readonly signal: AbortSignal; readonly clock: Clock },
): Promise<Settled> {
  const leftUnhandled = new Promise<Settled>((resolve) => {
    code.open((error) => resolve({ kind: 'leftUnhandled', error }))
  })
  let endGrace = () => {}
  let onAbort = () => {}
  const stopped = new Promise<Settled>((resolve) => {
    onAbort = () => {
      endGrace = clock.after(GRACE_MS, () => resolve({ kind: 'stopped' }))
    }
  })
  signal.addEventListener('abort', onAbort, { once: true })
  const result = await Promise.race([callUserCode(code, () => settle(call)), stopped, leftUnhandled])
  code.close()
  signal.removeEventListener('abort', onAbort)
  endGrace()
  return result
}

async function settle(call: () => Promise<unknown>): Promise<Settled> {
  try {
    return { kind: 'returned', value: await call() }
  } catch (thrown) {
    return { kind: 'threw', thrown }
  }
}

function endOf({ result, isCanceled, at }: { result: Settled; isCanceled: boolean; at: number }): JobEnd {
  if (isCanceled || result.kind === 'stopped') return { status: 'CANCELED', at }
  if (result.kind === 'threw') {
    const error = {
      code: codeOf(result.thrown) ?? 'HANDLER_FAILED',
      message: failureOf(result.thrown).message,
    }
    return { status: 'FAILED', at, error }
  }
  if (result.kind === 'leftUnhandled') {
    const { message } = failureOf(result.error)
    const error = {
      code: HANDLER_UNHANDLED_ERROR,
      message: `The handler left an error unhandled: ${message}`,
    }
    return { status: 'FAILED', at, error }
  }
  const read = readOutput(result.value ?? null, { hint: 'Return less.' })
  if (read.kind === 'refused')
    return { status: 'FAILED', at, error: { code: read.code, message: read.message } }
  return { status: 'COMPLETED', at, output: read.text }
}
