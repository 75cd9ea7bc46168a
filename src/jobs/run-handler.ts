import type { ClaimedJournal } from '../db/journal.ts'
import { event } from '../engine/event.ts'
import type { JobEnd } from '../engine/journal.ts'
import { recordEnd, type RunEnd } from '../engine/run-end.ts'
import type { Clock } from '../lib/clock.ts'
import { codeOf, messageOf } from '../lib/errors.ts'
import { toPlainJson } from '../lib/plain-json.ts'
import type { RunningSignals } from './processor.ts'

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
  readonly signals: RunningSignals
  readonly clock: Clock
}

const MAX_HANDLER_PERCENT = 99
/** How long a canceled handler may take to settle. */
const GRACE_MS = 5_000

/** Runs a handler function under a claim, with the same life and timeline as any other job. */
export async function runHandler({ handler, journal, signals, clock }: HandlerRun): Promise<RunEnd> {
  const stop = new AbortController()
  const onStop = () => stop.abort(new Error('the job is stopped'))
  for (const signal of [signals.cancel, signals.yield]) {
    if (signal.aborted) onStop()
    signal.addEventListener('abort', onStop, { once: true })
  }
  let percent = 0
  let isOpen = true
  const startedAt = clock.now()
  const note = journal.append({
    events: [event('JOB_STARTED', startedAt, {})],
    job: { progress: percent, status: 'RUNNING', startedAt },
  })
  note.catch(() => {}) // the last entry meets the same fault and tells it
  const context: HandlerContext = {
    signal: stop.signal,
    progress(value, message) {
      if (!isOpen || !Number.isFinite(value)) return
      percent = Math.min(MAX_HANDLER_PERCENT, Math.max(percent, value))
      const body = { message: message === undefined ? null : String(message).slice(0, 1_000) }
      journal
        .append({ events: [event('JOB_PROGRESS', clock.now(), body)], job: { progress: percent } })
        .catch(() => {}) // the last entry meets the same fault and tells it
    },
  }
  const result = await Promise.race([settle(handler, context), stopped(stop.signal, clock)])
  isOpen = false
  if (signals.yield.aborted) return { kind: 'yielded' }
  const end = endOf({ result, isCanceled: signals.cancel.aborted, at: clock.now() })
  return recordEnd(journal, end, { progress: percent })
}

type Settled =
  | { readonly kind: 'returned'; readonly value: unknown }
  | { readonly kind: 'threw'; readonly thrown: unknown }
  | { readonly kind: 'stopped' }

async function settle(handler: Handler, context: HandlerContext): Promise<Settled> {
  try {
    return { kind: 'returned', value: await handler(context) }
  } catch (thrown) {
    return { kind: 'threw', thrown }
  }
}

async function stopped(signal: AbortSignal, clock: Clock): Promise<Settled> {
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
  await clock.wait(GRACE_MS)
  return { kind: 'stopped' }
}

function endOf({ result, isCanceled, at }: { result: Settled; isCanceled: boolean; at: number }): JobEnd {
  if (isCanceled || result.kind === 'stopped') return { status: 'CANCELED', at }
  if (result.kind === 'threw') {
    const error = { code: codeOf(result.thrown) ?? 'HANDLER_FAILED', message: messageOf(result.thrown) }
    return { status: 'FAILED', at, error }
  }
  const plain = toPlainJson(result.value ?? null)
  if (plain.ok) return { status: 'COMPLETED', at, output: plain.text }
  const { pointer, reason } = plain.problem
  const message = `The handler’s result is not plain JSON: the value at "${pointer}" ${reason}.`
  return { status: 'FAILED', at, error: { code: 'OUTPUT_INVALID', message } }
}
