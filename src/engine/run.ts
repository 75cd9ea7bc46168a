import { deepFreeze, type Json } from '../lib/json.ts'
import { event } from './event.ts'
import type { Frame, GraphEnd } from './frame.ts'
import { runGraph } from './graph-run.ts'
import { EntryRefusedError, type JobEnd } from './journal.ts'
import { readOutput } from './output.ts'
import { recordEnd, type RunEnd } from './run-end.ts'
import { RunContext, type RunPorts, type RunRequest } from './run-context.ts'
import { RunStop } from './run-stop.ts'

export type { RunEnd } from './run-end.ts'
export type { RunPorts, RunRequest } from './run-context.ts'

/** What others may ask of a run while it goes on. */
export interface RunSignals {
  /** A user's cancel: the run ends CANCELED. */
  readonly cancel: AbortSignal
  /** The lease is lost, or the process stops: the run ends without a further record. */
  readonly yield: AbortSignal
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
  const run = new RunContext(request, ports)
  recordStart(run, signals)
  const disobey = obey(run, signals)
  const unwatch = watchDeadline(run)
  parkWhenIdle(run)
  // What comes once the graph has ended comes too late: nothing may be recorded behind the end.
  const graphEnd = await runGraph(request.plan.graph, topFrame(run), run).finally(() => {
    disobey()
    unwatch()
  })
  await run.parkIsDecided()
  return finish(run, graphEnd)
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
  }
}

/** The job's first event, or the sign that a new worker goes on. What follows waits for neither. */
function recordStart(run: RunContext, { cancel }: RunSignals): void {
  const { startedAt, recoveries } = run.request
  const at = run.ports.clock.now()
  const status = { status: cancel.aborted ? 'CANCELING' : 'RUNNING' } as const
  if (startedAt === null)
    run.note({ events: [event('JOB_STARTED', at, {})] }, { ...status, startedAt: run.startedAt })
  else if (recoveries > 0) run.note({ events: [event('JOB_RECOVERED', at, { recoveries })] }, status)
  else run.note({ events: [] }, status)
}

function obey(run: RunContext, { cancel, yield: yielded }: RunSignals): () => void {
  const onCancel = () => {
    if (run.stopped) return
    run.note({ events: [event('JOB_CANCELING', run.ports.clock.now(), {})] }, { status: 'CANCELING' })
    run.stop(new RunStop({ kind: 'cancel' }))
  }
  const onYield = () => run.stop(new RunStop({ kind: 'yield' }))
  if (yielded.aborted) onYield()
  if (cancel.aborted) onCancel()
  cancel.addEventListener('abort', onCancel, { once: true })
  yielded.addEventListener('abort', onYield, { once: true })
  return () => {
    cancel.removeEventListener('abort', onCancel)
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

/** E9: gives the lease back once only waits are left. A command that comes in between wins. */
function parkWhenIdle(run: RunContext): void {
  run.onIdle((due) => {
    const wakeAt = Math.min(due, deadlineOf(run))
    const events = [event('JOB_WAITING', run.ports.clock.now(), { until: new Date(wakeAt).toISOString() })]
    void run.park(events, wakeAt).then((isDecided) => {
      // Stay: the command is on its way to the cancel signal.
      if (!isDecided) parkWhenIdle(run)
    })
  })
}

/** Writes the last entry: what was cut off, the terminal event and the job's end, in one transaction. */
async function finish(run: RunContext, graphEnd: GraphEnd): Promise<RunEnd> {
  const cause = run.stopped?.stopCause
  switch (cause?.kind) {
    case 'yield':
      return { kind: 'yielded' }
    case 'park':
      return { kind: 'parked', wakeAt: cause.wakeAt }
    case 'fault':
      return finishRefused(run, cause.fault)
    default:
      return record(run, endOf(run, graphEnd)).catch((fault: unknown) => finishRefused(run, fault))
  }
}

/** The database refused what this execution wanted to record: it ends, saying so. Any other fault is not its own. */
async function finishRefused(run: RunContext, fault: unknown): Promise<RunEnd> {
  if (!(fault instanceof EntryRefusedError)) throw fault
  return record(run, failedWith('RECORD_REFUSED', fault.message, run.ports.clock.now()))
}

function endOf(run: RunContext, graphEnd: GraphEnd): JobEnd {
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

function completedWith(output: Json, at: number): JobEnd {
  const read = readOutput(output, 'Give the definition an `output` that is smaller.')
  if (read.kind === 'refused') return failedWith(read.code, read.message, at)
  return { status: 'COMPLETED', at, output: read.text }
}

function failedWith(code: string, message: string, at: number): JobEnd {
  return { status: 'FAILED', at, error: { code, message } }
}

async function record(run: RunContext, end: JobEnd): Promise<RunEnd> {
  const { percent: progress, endedNodes: completedNodes } = run.progress
  return recordEnd(run.ports.journal, end, { progress, completedNodes, ...run.steps.close(end.at) })
}
