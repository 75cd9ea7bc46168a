import { z } from 'zod'
import { BlockError, type BlockContext } from '../../../engine/block/index.ts'
import { RunStop } from '../../../engine/run/index.ts'
import { messageOf } from '../../../lib/index.ts'
import { repeatRead } from '../shared/index.ts'
import { isOver, type ApifyClient, type ApifyRun, type RunStart } from './apify-client.ts'

/** The key under which a step records which run is its own. */
const RUN_CHECKPOINT = 'run'
const checkpointSchema = z.object({ runId: z.string() })

/** How long a start that is under way may still tell the id of its run after the step was stopped. */
const START_LINGER_MS = 2_000
/** With the time above, within the grace that the engine gives a stopped step. */
const ABORT_WITHIN_MS = 2_500
/** A server that answers at once instead of waiting is not asked more often than that. */
const MIN_POLL_MS = 1_000

type Context = Pick<
  BlockContext,
  'signal' | 'clock' | 'answers' | 'random' | 'checkpoints' | 'checkpoint' | 'heartbeat' | 'progress' | 'log'
>

/**
 * Brings one run to its end: starts it, or finds it again by the checkpoint of an attempt before, and waits. When the
 * step is canceled or fails for good the run is aborted, because Apify would go on and charge for it; when only this
 * worker or attempt ends, it is left alone for the next one.
 */
export async function completeRun(
  client: ApifyClient,
  { start, credential, context }: { start: RunStart; credential: string; context: Context },
): Promise<ApifyRun> {
  const { signal, clock, answers } = context
  signal.throwIfAborted()
  const runId = recordedRunId(context) ?? (await startRun())
  try {
    signal.throwIfAborted()
    return await waitForRun(client, runId, { credential, context })
  } catch (thrown) {
    if (isFinal(signal) || isHopeless(thrown)) await abortRun(client, runId, { credential, context })
    throw thrown
  }

  async function startRun(): Promise<string> {
    const linger = lingering(context)
    try {
      const { id } = await client.startRun(start, { credential, clock, answers, signal: linger.signal })
      try {
        await context.checkpoint(RUN_CHECKPOINT, { runId: id })
      } catch (fault) {
        // Nobody would ever find the run again.
        await abortRun(client, id, { credential, context })
        throw fault
      }
      context.log.info(`Apify started the run ${id}`, { actor: start.actor, runId: id })
      return id
    } finally {
      linger.close()
    }
  }
}

function recordedRunId({ checkpoints }: Context): string | null {
  const recorded = checkpointSchema.safeParse(checkpoints[RUN_CHECKPOINT])
  return recorded.success ? recorded.data.runId : null
}

async function waitForRun(
  client: ApifyClient,
  runId: string,
  { credential, context }: { credential: string; context: Context },
): Promise<ApifyRun> {
  const { clock, signal, answers } = context
  for (;;) {
    const askedAt = clock.now()
    const run = await repeatRead(() => client.pollRun(runId, { credential, clock, signal, answers }), context)
    context.heartbeat()
    if (isOver(run)) return run
    context.progress(RUNNING_FRACTION, run.statusMessage ?? `The run is ${run.status.toLowerCase()}`)
    await clock.wait(askedAt + MIN_POLL_MS - clock.now(), signal)
  }
}

/** How far a step is whose run is under way: Apify does not say how long it will take. */
export const RUNNING_FRACTION = 0.1

/** Whether what the signal stopped will not be taken up again: it was canceled, or its execution failed. */
function isFinal({ aborted, reason }: AbortSignal): boolean {
  return aborted && reason instanceof RunStop && reason.isRecorded
}

/** Whether no later attempt will look for the run either. */
function isHopeless(thrown: unknown): boolean {
  return thrown instanceof BlockError && !thrown.retryable
}

/** A signal that aborts a little later than the step's own. */
function lingering({ signal, clock }: Context): { readonly signal: AbortSignal; close(): void } {
  const late = new AbortController()
  const ended = new AbortController()
  const onStop = () =>
    void clock.wait(START_LINGER_MS, ended.signal).then(
      () => late.abort(signal.reason),
      // The start was answered in time.
      () => undefined,
    )
  signal.addEventListener('abort', onStop, { once: true, signal: ended.signal })
  return { signal: late.signal, close: () => ended.abort() }
}

/** Asks for an end within a few seconds. If that fails, the run's own time limit ends it. */
async function abortRun(
  client: ApifyClient,
  runId: string,
  { credential, context: { clock, answers, log } }: { credential: string; context: Context },
): Promise<void> {
  const bound = new AbortController()
  const release = clock.after(ABORT_WITHIN_MS, () => bound.abort(new Error('there was no more time')))
  try {
    await client.abortRun(runId, { credential, clock, answers, signal: bound.signal })
  } catch (fault) {
    log.warn(`the run ${runId} could not be aborted: ${messageOf(fault)}`)
  } finally {
    release()
  }
}
