import type { ClaimedJournal } from '../db/journal.ts'
import { event, type EventDraft } from '../engine/event.ts'
import type { JobChange, JobEnd } from '../engine/journal.ts'
import { readOutput } from '../engine/output.ts'
import { recordEnd, type RunEnd } from '../engine/run-end.ts'
import type { RunSignals } from '../engine/run.ts'
import { failureOf } from '../engine/step.ts'
import type { Clock } from '../lib/clock.ts'
import { codeOf } from '../lib/errors.ts'

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
  readonly journal: ClaimedJournal
  readonly signals: RunSignals
  readonly clock: Clock
}

const MAX_HANDLER_PERCENT = 99
const MAX_MESSAGE_LENGTH = 1_000
/** How long a canceled handler may take to settle. */
const GRACE_MS = 5_000

/** Runs a handler function under a claim, with the same life and timeline as any other job. */
export async function runHandler({ handler, journal, signals, clock }: HandlerRun): Promise<RunEnd> {
  let percent = 0
  let isOpen = true
  const note = (draft: EventDraft, job: Partial<JobChange> = {}) => {
    // A fault of the journal is met and told by the last entry, too.
    journal.append({ events: [draft], job: { progress: percent, ...job } }).catch(() => {})
  }
  const stop = new AbortController()
  const onCancel = () => {
    if (stop.signal.aborted) return
    note(event('JOB_CANCELING', clock.now(), {}), { status: 'CANCELING' })
    stop.abort(new Error('a user canceled the job'))
  }
  const onYield = () => stop.abort(new Error('the process stops, or has lost the job'))
  signals.inbox.canceled.addEventListener('abort', onCancel, { once: true })
  signals.yield.addEventListener('abort', onYield, { once: true })

  const startedAt = clock.now()
  note(event('JOB_STARTED', startedAt, {}), { status: 'RUNNING', startedAt })
  const context: HandlerContext = {
    signal: stop.signal,
    progress(value, message) {
      if (!isOpen || !Number.isFinite(value)) return
      percent = Math.min(MAX_HANDLER_PERCENT, Math.max(percent, value))
      const text = message?.slice(0, MAX_MESSAGE_LENGTH) ?? null
      note(event('JOB_PROGRESS', clock.now(), { message: text }))
    },
  }
  const result = await settleInTime(() => handler(context), stop.signal, clock)
  isOpen = false
  signals.inbox.canceled.removeEventListener('abort', onCancel)
  signals.yield.removeEventListener('abort', onYield)
  if (signals.yield.aborted) return { kind: 'yielded' }
  const end = endOf({ result, isCanceled: signals.inbox.canceled.aborted, at: clock.now() })
  return recordEnd(journal, end, { progress: percent })
}

type Settled =
  | { readonly kind: 'returned'; readonly value: unknown }
  | { readonly kind: 'threw'; readonly thrown: unknown }
  | { readonly kind: 'stopped' }

/** What a handler comes to; one that does not settle within the grace after the signal aborts is left behind. */
async function settleInTime(
  call: () => Promise<unknown>,
  signal: AbortSignal,
  clock: Clock,
): Promise<Settled> {
  let endGrace = () => {}
  let onAbort = () => {}
  const stopped = new Promise<Settled>((resolve) => {
    onAbort = () => {
      endGrace = clock.after(GRACE_MS, () => resolve({ kind: 'stopped' }))
    }
  })
  signal.addEventListener('abort', onAbort, { once: true })
  const result = await Promise.race([settle(call), stopped])
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
  const read = readOutput(result.value ?? null, { hint: 'Return less.' })
  if (read.kind === 'refused')
    return { status: 'FAILED', at, error: { code: read.code, message: read.message } }
  return { status: 'COMPLETED', at, output: read.text }
}
