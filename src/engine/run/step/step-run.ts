import { DEFAULT_HANDLE } from '../../block/index.ts'
import type { PlanNode } from '../../definition/index.ts'
import type { StepFailure } from '../../record/index.ts'
import { RunStop, type StepEnd, type StepSite } from '../context/index.ts'
import { runLoop } from './loop-run.ts'
import { boundInTime, OpenStep, StepTimeout } from './state/index.ts'
import { attemptStep } from './step-attempt.ts'
import { completeStep, failStep, readStepOutput } from './step-end.ts'
import { stepBefore, takeOver, takeOverUnopened } from './step-reuse.ts'
import {
  continueWaiting,
  giveUpOrWait,
  UNKNOWN_OUTCOME,
  waitFor,
  waitForRetry,
  type NextWait,
} from './step-waits.ts'

/** Takes one step from wherever its record says it is to its end. */
export async function runStep(node: PlanNode, site: StepSite): Promise<StepEnd> {
  const bound = boundInTime(node, site)
  const step = new OpenStep(node, bound?.site ?? site)
  const close = site.activity.openWork()
  try {
    let end: StepEnd | null = null
    if (isNew(step)) {
      const opening = site.values.open(step.site.signal)
      if (opening) end = await untilOpen(step, await opening)
    } else end = await resume(step)
    while (!end) {
      const next = await attemptStep(step)
      end = isEnd(next) ? next : await waitFor(step, next)
    }
    return end
  } catch (thrown) {
    return await endCutOff(step, thrown)
  } finally {
    step.endAttempt()
    bound?.unbind()
    site.values.close()
    close()
  }
}

/** Nothing is on record of the step, here or where this execution retries another one, and its block is called. */
function isNew({ node, site, recorded }: OpenStep): boolean {
  return recorded === undefined && site.run.reuse === null && node.body === null
}

/** Continues from what is on record. Null: an attempt follows. */
async function resume(step: OpenStep): Promise<StepEnd | null> {
  const { node, site, recorded, config, checkpoints } = step
  if (recorded?.status === 'RETRYING') await waitForRetry(step, recorded.dueAt ?? 0)
  const before = stepBefore(step)
  const untouched = before && (await takeOverUnopened(step, before))
  if (untouched) return untouched
  const opening = site.values.open(site.signal)
  const unread = opening && (await untilOpen(step, await opening))
  if (unread) return unread
  const taken = before ? await takeOver(step, before) : null
  if (taken) return taken
  if (node.body) return runLoopStep(step)
  if (recorded?.status === 'WAITING') {
    const failure = await config.resolveForRecord()
    return failure ? failStep(step, failure) : continueWaiting(step, recorded)
  }
  // E13: a lost attempt that recorded a checkpoint is gone on with, not lost.
  if (recorded?.status === 'RUNNING' && node.block.repeat === 'never' && checkpoints.isEmpty) {
    await config.resolveForRecord()
    return giveUpOrWait(step, UNKNOWN_OUTCOME)
  }
  return null
}

/** Null once what the step reads is in memory; its end where that is impossible. */
async function untilOpen(step: OpenStep, failure: StepFailure | null): Promise<StepEnd | null> {
  const { values, signal } = step.site
  for (let left = failure; left; left = await values.open(signal)) {
    const end = await giveUpOrWait(step, left)
    if (end) return end
  }
  return null
}

async function runLoopStep(step: OpenStep): Promise<StepEnd> {
  const { node, site, config, recorder } = step
  try {
    await site.run.untilMayStart(site.signal)
    const resolved = await config.resolve()
    if (resolved.kind === 'failed') return await failStep(step, resolved.failure)
    recorder.start()
    const end = await runLoop(node, site, resolved.config)
    switch (end.kind) {
      case 'completed':
        return await completeStep(step, await readStepOutput(step, end.output), [DEFAULT_HANDLE])
      case 'failed':
        return await failStep(step, end.failure)
      case 'stopped':
        throw site.signal.reason
    }
  } finally {
    config.release()
  }
}

/** The end of a step that could not go on: its time is over, or the run stops. */
async function endCutOff(step: OpenStep, reason: unknown): Promise<StepEnd> {
  const { site, recorder } = step
  try {
    if (!(reason instanceof StepTimeout)) throw reason
    await cancelChild(step)
    if (reason.path === site.path) return await failStep(step, reason.failure)
    recorder.cancel()
    return { kind: 'stopped' }
  } catch (thrown) {
    const stop = RunStop.of(thrown)
    if (stop.stopCause.kind === 'fault') site.run.stop(stop)
    if (stop.isRecorded) {
      // First the child, so that none is forgotten.
      await cancelChild(step)
      recorder.cancel()
    }
    return { kind: 'stopped' }
  }
}

/** Cancels the child that a step waits for. */
async function cancelChild({ recorder, site }: OpenStep): Promise<void> {
  const { child } = recorder
  if (child === null) return
  await site.run.barrier()
  await site.run.ports.children.cancel(child)
}

function isEnd(next: StepEnd | NextWait): next is StepEnd {
  return next.kind === 'completed' || next.kind === 'failed' || next.kind === 'stopped'
}
