import { deepFreeze, jsonHeapSize, type Json } from '../../lib/json/index.ts'
import { readOutputText } from '../block/index.ts'
import type { PlanGraph } from '../definition/index.ts'
import {
  EntryRefusedError,
  event,
  FenceLostError,
  type Inbox,
  type JobEnd,
  type RecordedError,
} from '../record/index.ts'
import {
  RunContext,
  RunStop,
  type Frame,
  type GraphEnd,
  type RunPorts,
  type RunRequest,
} from './context/index.ts'
import { runGraph } from './graph-run.ts'
import { recordEnd, type RunEnd } from './run-end.ts'

/** What others may ask of a run while it goes on. */
export interface RunSignals {
  /** What users ask: a cancel, a pause, signals. */
  readonly inbox: Inbox
  /** The lease is lost, or the process stops: the run ends without a further record. */
  readonly yield: AbortSignal
  /**
   * Aborts when the process stops: no further attempt begins, those in flight may finish, and then the run yields. Not given: the process
   * does not stop.
   */
  readonly drain?: AbortSignal
  /** Aborts with a `RecordedError` where the execution may not continue: it fails with that error. Not given: it always may. */
  readonly refused?: AbortSignal
  /**
   * Asked before anything begins, unless the job is paused or canceled: false when the worker has no place for it. Then it
   * goes back at once. Not given: there is always one.
   */
  readonly takePlace?: () => boolean
}

/**
 * Runs an execution from whatever is recorded of it to its end, or until it parks or has to yield. The only way in which
 * anything of it becomes a fact is the journal. Throws only for faults of the journal or of the engine itself.
 */
export async function runExecution(
  request: RunRequest,
  ports: RunPorts,
  signals: RunSignals,
): Promise<RunEnd> {
  const run = new RunContext(request, ports, signals.inbox)
  const scopeBefore = request.original?.scope
  run.outputs.count(heapBytesOf(request.input) + heapBytesOf(request.variables))
  if (scopeBefore) run.outputs.count(heapBytesOf(scopeBefore))
  const stopCounting = countInbox(run, signals.inbox)
  try {
    return await runToItsEnd(run, signals)
  } finally {
    stopCounting()
    run.outputs.close()
    run.configMemory.close()
    run.workingMemory.close()
  }
}

/** What the run knows of its inbox counts for its memory as it grows. */
function countInbox(run: RunContext, inbox: Inbox): () => void {
  let counted = 0
  const count = () => {
    run.outputs.count(inbox.heapBytes - counted)
    counted = inbox.heapBytes
  }
  count()
  return inbox.onDelivery(count)
}

function heapBytesOf(value: Json): number {
  return jsonHeapSize(JSON.stringify(value)).heapBytes
}

async function runToItsEnd(run: RunContext, signals: RunSignals): Promise<RunEnd> {
  const { request } = run
  const isHeld = signals.inbox.isPaused && (await holdWhilePaused(run, signals))
  if (isHeld || (await holdUntilItMayBegin(run, signals))) return finish(run, { kind: 'stopped' })
  if (signals.drain?.aborted) return { kind: 'yielded' }
  const secretNames = secretNamesOf(request.plan.graph)
  if (secretNames.length > 0) await run.secrets.know(secretNames)
  recordStart(run, signals.inbox)
  const disobey = obey(run, signals)
  const unwatch = watchDeadline(run)
  // A limit that was passed before a crash stands.
  run.spend(0)
  parkWhenIdle(run)
  // What comes once the graph has ended comes too late: nothing may be recorded behind the end.
  const graphEnd = await runGraph(request.plan.graph, topFrame(run), run).finally(() => {
    disobey()
    unwatch()
    run.unhandledErrors.close()
  })
  if (run.pendingPark) await run.pendingPark
  return finish(run, graphEnd)
}

const EARLY_MS = 1_000

/** A job that is taken up although it is paused parks again before anything starts; true when the run is over with that. */
async function holdWhilePaused(run: RunContext, { inbox, yield: yielded }: RunSignals): Promise<boolean> {
  const at = run.ports.clock.now()
  // Told once: a job that is paused on record is only put back.
  const events = run.request.wasPaused ? [] : [event('JOB_PAUSED', at, {})]
  const wakeAt = run.request.startedAt === null ? null : finite(deadlineOf(run))
  const isHeld = () =>
    inbox.isPaused && !inbox.canceled.aborted && (wakeAt ?? Infinity) > run.ports.clock.now()
  while (isHeld()) {
    const { last } = inbox
    if (yielded.aborted) run.stop(new RunStop({ kind: 'yield' }))
    else if (!(await run.park(events, { status: 'PAUSED', wakeAt }))) {
      // A command stands against it: it is on its way.
      if (inbox.last === last) await run.nextDelivery(yielded).catch(ignoreStop)
    }
    if (run.stopped) return true
  }
  return false
}

/** Every secret that a run may meet: a step on record may have seen one that no step to come asks for. */
function secretNamesOf({ nodes }: PlanGraph): string[] {
  const names = nodes.flatMap(({ secretNames, body }) => [
    ...secretNames,
    ...(body ? secretNamesOf(body) : []),
  ])
  return [...new Set(names)]
}

function topFrame(run: RunContext): Frame {
  const { input, variables, executionId, mode } = run.request
  const execution = { id: executionId, mode, startedAt: new Date(run.startedAt).toISOString() }
  return {
    prefix: '',
    input: deepFreeze(input),
    scope: { input, variables: deepFreeze(variables), execution, secrets: {}, nodes: {} },
    order: [],
    signal: run.signal,
    activity: run,
    follows: 0,
  }
}

/** A job that was taken up for a command before it may begin is put back; true when the run is over with that. */
async function holdUntilItMayBegin(run: RunContext, signals: RunSignals): Promise<boolean> {
  const { inbox, yield: yielded } = signals
  if (inbox.canceled.aborted) return false
  const { last } = inbox
  const at = run.ports.clock.now()
  const dueAt = dueLater(run, at)
  if (dueAt !== null) {
    const resumed = run.request.wasPaused ? [event('JOB_RESUMED', at, {})] : []
    if (await run.park(resumed, { status: 'QUEUED', wakeAt: dueAt })) return true
  } else {
    if (signals.takePlace?.() ?? true) return false
    if (await run.park([], { wakeAt: at })) return true
  }
  // A command stands against it: it is on its way, and may be a pause.
  if (inbox.last === last) await run.nextDelivery(yielded).catch(ignoreStop)
  if (yielded.aborted) run.stop(new RunStop({ kind: 'yield' }))
  return (
    run.stopped !== null || (await holdWhilePaused(run, signals)) || (await holdUntilItMayBegin(run, signals))
  )
}

/** When a job that has not begun is to begin; null when that is now, or was. */
function dueLater({ request: { startedAt, runAt } }: RunContext, now: number): number | null {
  // Clocks differ a little: who comes this near is let in.
  return startedAt !== null || runAt === null || runAt - now < EARLY_MS ? null : runAt
}

/** Announces the job's start, or that a worker continues it. */
function recordStart(run: RunContext, { canceled }: Inbox): void {
  const { startedAt, recoveries, wasPaused } = run.request
  const at = run.ports.clock.now()
  const status = { status: canceled.aborted ? 'CANCELING' : 'RUNNING' } as const
  const resumed = wasPaused ? [event('JOB_RESUMED', at, {})] : []
  if (startedAt === null)
    run.announce(
      { events: [...resumed, event('JOB_STARTED', at, {})] },
      { ...status, startedAt: run.startedAt },
    )
  else if (recoveries > 0)
    run.announce({ events: [...resumed, event('JOB_RECOVERED', at, { recoveries })] }, status)
  else run.announce({ events: resumed }, status)
}

function obey(run: RunContext, { inbox, yield: yielded, drain, refused }: RunSignals): () => void {
  const onCancel = () => {
    if (run.stopped) return
    run.note({ events: [event('JOB_CANCELING', run.ports.clock.now(), {})] }, { status: 'CANCELING' })
    run.stop(new RunStop({ kind: 'cancel' }))
  }
  const onYield = () => run.stop(new RunStop({ kind: 'yield' }))
  let endDrain = () => {}
  const onDrain = () => (endDrain = run.drain())
  const onRefused = () => run.stop(new RunStop({ kind: 'fail', error: refused?.reason as RecordedError }))
  if (yielded.aborted) onYield()
  if (inbox.canceled.aborted) onCancel()
  if (refused?.aborted) onRefused()
  if (drain?.aborted) onDrain()
  drain?.addEventListener('abort', onDrain, { once: true })
  refused?.addEventListener('abort', onRefused, { once: true })
  inbox.canceled.addEventListener('abort', onCancel, { once: true })
  yielded.addEventListener('abort', onYield, { once: true })
  return () => {
    endDrain()
    drain?.removeEventListener('abort', onDrain)
    refused?.removeEventListener('abort', onRefused)
    inbox.canceled.removeEventListener('abort', onCancel)
    yielded.removeEventListener('abort', onYield)
  }
}

/** The execution’s deadline runs through everything, waits included. Returns what ends the watch. */
function watchDeadline(run: RunContext): () => void {
  const { timeoutMs } = run.request.plan.limits
  if (timeoutMs === null) return () => {}
  const error = { code: 'EXECUTION_TIMEOUT', message: `The execution took longer than ${timeoutMs} ms.` }
  const stop = () => run.stop(new RunStop({ kind: 'fail', error }))
  const { clock } = run.ports
  const leftMs = deadlineOf(run) - clock.now()
  if (leftMs > 0) return clock.after(leftMs, stop)
  stop()
  return () => {}
}

function deadlineOf(run: RunContext): number {
  return run.startedAt + (run.request.plan.limits.timeoutMs ?? Number.POSITIVE_INFINITY)
}

/** E9: gives the lease back once only waits are left, or nothing runs any more of what is paused. A command wins. */
function parkWhenIdle(run: RunContext): void {
  run.onIdle((due) => {
    const at = run.ports.clock.now()
    const status = run.isPaused ? 'PAUSED' : 'WAITING'
    const wakeAt = finite(Math.min(due ?? Number.POSITIVE_INFINITY, deadlineOf(run)))
    const until = wakeAt === null ? null : new Date(wakeAt).toISOString()
    const told = status === 'PAUSED' ? event('JOB_PAUSED', at, {}) : event('JOB_WAITING', at, { until })
    void run.park([told], { status, wakeAt }).then((isDecided) => {
      // Stay: the command is on its way to the inbox.
      if (!isDecided) parkWhenIdle(run)
    })
  })
}

function finite(instant: number): number | null {
  return Number.isFinite(instant) ? instant : null
}

function ignoreStop(): void {
  // Whoever waited looks by itself why nothing came.
}

/** Writes the last entry: what was cut off, the terminal event and the job's end, in one transaction. */
async function finish(run: RunContext, graphEnd: GraphEnd): Promise<RunEnd> {
  const cause = run.stopped?.stopCause
  switch (cause?.kind) {
    case 'yield':
      // The job may be given back next: what has ended here is on record by then, and not done again.
      await run.settled()
      return { kind: 'yielded' }
    case 'park':
      return { kind: 'parked', wakeAt: cause.wakeAt }
    case 'fault':
      return finishRefused(run, cause.fault)
    default:
      return endOf(run, graphEnd)
        .then((end) => record(run, end))
        .catch((fault: unknown) => finishRefused(run, fault))
  }
}

/** The database refused what this execution wanted to record: it ends, saying so. Any other fault is not its own. */
async function finishRefused(run: RunContext, fault: unknown): Promise<RunEnd> {
  if (!(fault instanceof EntryRefusedError)) throw fault
  return record(run, failedWith('RECORD_REFUSED', fault.message, run.ports.clock.now()))
}

async function endOf(run: RunContext, graphEnd: GraphEnd): Promise<JobEnd> {
  const at = run.ports.clock.now()
  const stop = run.stopped
  if (stop?.stopCause.kind === 'cancel') return { status: 'CANCELED', at }
  if (stop?.error) return { status: 'FAILED', at, error: stop.error }
  switch (graphEnd.kind) {
    case 'completed':
      return completedWith(graphEnd.output, at)
    case 'failed':
      return { status: 'FAILED', at, error: graphEnd.error }
    case 'stopped':
      throw new Error('a graph stopped although nothing stopped its run')
  }
}

async function completedWith(output: Json, at: number): Promise<JobEnd> {
  const read = await readOutputText(output, { hint: 'Give the definition an `output` that is smaller.' })
  if (read.kind === 'refused') return failedWith(read.code, read.message, at)
  return { status: 'COMPLETED', at, output: read.text }
}

function failedWith(code: string, message: string, at: number): JobEnd {
  return { status: 'FAILED', at, error: { code, message } }
}

/**
 * Records the end, with all that is noted and not committed yet. A failure or a cancel cancels the children first, once everything
 * that it follows from is committed.
 */
async function record(run: RunContext, end: JobEnd): Promise<RunEnd> {
  if (end.status === 'COMPLETED') {
    // Something that the output follows from was refused while the output was made.
    if (run.fault !== null) throw run.fault
  } else {
    const fault = await run.settled()
    if (fault instanceof FenceLostError) return { kind: 'yielded' }
    if (fault !== null && !(fault instanceof EntryRefusedError)) throw fault
    await run.ports.children.cancelAll()
  }
  const { percent: progress, endedNodes: completedNodes } = run.progress
  return recordEnd(run.ports.journal, end, { progress, completedNodes, ...run.steps.close(end.at) })
}
