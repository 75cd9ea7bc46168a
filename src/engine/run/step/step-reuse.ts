import { deepFreeze, type Json } from '../../../lib/json/index.ts'
import type { Awaitable } from '../../../lib/turns/index.ts'
import { ReuseUndecidedError, type OriginalStep, type ReachedStep, type Reuse } from '../../fork/index.ts'
import type { StepEnd } from '../context/index.ts'
import type { OpenStep, RecordedOutput } from './state/index.ts'
import { countAsEnded, failStep, held, readStepOutput, refuseOutput } from './step-end.ts'

/** What the execution that this one retries left of the step; nothing once the step has begun here. */
export function stepBefore({ recorded, site }: OpenStep): OriginalStep | undefined {
  return recorded ? undefined : site.run.reuse?.stepBefore(site.path)
}

/** Takes a step over without bringing what it reads into memory; null where that makes a difference, or the step must run again. */
export async function takeOverUnopened(step: OpenStep, before: OriginalStep): Promise<StepEnd | null> {
  const { node, site } = step
  const { reuse } = site.run
  if (before.kind !== 'completed' || !reuse) return null
  return reuse.needsNoOutput(before, { node, inputFrom: site.inputFrom }) ? takeOver(step, before) : null
}

/** A retry: the step's end, if it need not run again; null if it must, by the key of the call that is made again. */
export async function takeOver(step: OpenStep, before: OriginalStep): Promise<StepEnd | null> {
  try {
    return await takeOverHolding(step, before)
  } finally {
    step.config.release()
  }
}

async function takeOverHolding(step: OpenStep, before: OriginalStep): Promise<StepEnd | null> {
  const { node, site, config, recorder } = step
  const { run, signal, path, order, inputFrom, values } = site
  const { input } = values
  await run.untilMayStart(signal)
  const read = await config.resolveBoth()
  signal.throwIfAborted()
  if (before.kind === 'patched') {
    const output = await readStepOutput(step, before.output)
    if (output.kind === 'refused') return refuseOutput(step, output)
    const { isStored } = await putInPlace(step, before.handles, { output: output.text })
    return { kind: 'completed', output: held(output, { isStored }), handles: before.handles }
  }
  if (!run.reuse || read.kind === 'failed') return null
  const reached = {
    node,
    path,
    order,
    signal,
    inputFrom,
    input,
    scope: config.scope,
    config: read.filled,
    configText: recorder.config,
  }
  try {
    return await compare(step, run.reuse, { before, reached })
  } catch (thrown) {
    if (thrown instanceof ReuseUndecidedError) return failStep(step, thrown.failure)
    throw thrown
  }
}

async function compare(
  step: OpenStep,
  reuse: Reuse,
  {
    before,
    reached,
  }: { readonly before: Exclude<OriginalStep, { kind: 'patched' }>; readonly reached: ReachedStep },
): Promise<StepEnd | null> {
  const { path, signal, run } = step.site
  if (before.kind === 'unknown') {
    const isSame = await reuse.isSameCall(before, reached)
    signal.throwIfAborted()
    if (isSame) step.recorder.keepCallKey(before.callKey)
    return null
  }
  const isReusable = await reuse.isReusable(before, reached)
  const small = isReusable ? await reuse.smallOutput(path) : undefined
  await run.untilMayStart(signal)
  signal.throwIfAborted()
  if (!isReusable) return null
  const { handles, holder } = before
  const { isStored } = await putInPlace(step, handles, { holder })
  reuse.noteTaken(path)
  if (small === undefined) return { kind: 'completed', output: { kind: 'stored' }, handles }
  const value = deepFreeze(JSON.parse(small) as Json)
  return { kind: 'completed', output: held({ value, heapBytes: null }, { isStored }), handles }
}

/** Records what stands for the step, which does not run. */
function putInPlace(
  step: OpenStep,
  handles: readonly string[],
  from: { readonly holder: string } | { readonly output: string },
): Awaitable<RecordedOutput> {
  countAsEnded(step)
  return step.recorder.reuse(handles, from)
}
