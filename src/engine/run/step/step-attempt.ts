import type { Json } from '../../../lib/json/index.ts'
import type { Awaitable } from '../../../lib/turns/index.ts'
import { DEFAULT_HANDLE, issuesText, readBySchema, type Block, type BlockOutcome } from '../../block/index.ts'
import type { PlanNode } from '../../definition/index.ts'
import { AttemptMemory } from '../../memory/index.ts'
import { finalFailure, type StepFailure } from '../../record/index.ts'
import type { StepEnd, StepSite } from '../context/index.ts'
import { callBlock, StepCall } from './call/index.ts'
import type { OpenStep } from './state/index.ts'
import { completeStep, readStepOutput } from './step-end.ts'
import { beginWait, type NextWait } from './step-waits.ts'

/**
 * Makes one attempt of a step in one of the execution's places, and records its outcome. In the common case it waits twice: for the
 * commit of what the step follows from, and for the block. Everything else is available at once, and each part returns it without a
 * promise: on Node 20 the hooks of `AsyncLocalStorage` are called for each promise, here and in all other work of the process.
 *
 * The memory of what the attempt makes, and of its config, is given back once the outcome is recorded.
 */
export async function attemptStep(step: OpenStep): Promise<StepEnd | NextWait> {
  const { node, site, recorder, config, checkpoints } = step
  const { run, signal } = site
  const memory = new AttemptMemory(run.workingMemory, { clock: run.ports.clock, signal })
  let leave = () => {}
  try {
    const place = takePlace(site)
    leave = place instanceof Promise ? await place : place
    step.beginAttempt()
    const resolving = config.resolve()
    const resolved = resolving instanceof Promise ? await resolving : resolving
    signal.throwIfAborted()
    if (resolved.kind === 'failed') return { kind: 'retry', failure: resolved.failure }
    const failure = inputFailure(node.block, site.values.input)
    if (failure) return { kind: 'retry', failure }
    const opening = checkpoints.open(memory)
    if (opening) await opening
    signal.throwIfAborted()
    const isOutside = actsOutside(node)
    // Before the start is recorded: another worker would have to assume that the call was made.
    const held = isOutside ? run.untilHeld(signal) : null
    if (held) await held
    const follows = recorder.start()
    const pending = isOutside ? run.barrier(follows) : null
    if (pending) await pending
    // The commit may have waited for an outage to end.
    const stillHeld = isOutside ? run.untilHeld(signal) : null
    if (stillHeld) await stillHeld
    signal.throwIfAborted()
    recorder.calls()
    const { attempt, callKey: idempotencyKey } = recorder
    const parsedConfig = resolved.config
    const call = new StepCall(node, site, {
      follows,
      attempt,
      idempotencyKey,
      parsedConfig,
      config,
      checkpoints,
      memory,
    })
    const end = await callBlock(call)
    recorder.usageIs(call.close(end))
    step.code = call.code
    if (end.kind === 'aborted') throw signal.reason
    leave()
    if (end.kind === 'failed') return { kind: 'retry', failure: end.failure }
    const taken = takeOutcome(step, end.outcome, memory)
    return taken instanceof Promise ? await taken : taken
  } finally {
    leave()
    memory.close()
    checkpoints.close()
    config.release()
  }
}

/** A place, in a run that may start something. */
function takePlace(site: StepSite): Awaitable<() => void> {
  const { run, signal } = site
  signal.throwIfAborted()
  return (run.mayStart ? run.slots.tryAcquire() : null) ?? waitForPlace(site)
}

async function waitForPlace({ run, signal, order }: StepSite): Promise<() => void> {
  for (;;) {
    await run.untilMayStart(signal)
    const release = await run.slots.acquire(order, signal)
    if (run.mayStart) return release
    release()
  }
}

/** Whether the block's code reaches the outside as soon as it is called. A control block does so by its context alone. */
function actsOutside({ block }: PlanNode): boolean {
  return block.effect === 'external' && !block.isControl
}

/**
 * Why a step's input is not what its block takes; null where it is, or the block takes anything. The input is only looked
 * at: what the block is given is what was recorded.
 */
function inputFailure(
  { type, input: schema }: Pick<Block, 'type' | 'input'>,
  input: Json,
): StepFailure | null {
  const read = schema && readBySchema(schema, input)
  if (!read || read.ok) return null
  const problem = issuesText(read.issues, 'input')
  return finalFailure('BLOCK_INPUT_INVALID', `The input is not what the block ${type} takes: ${problem}`)
}

function takeOutcome(
  step: OpenStep,
  outcome: BlockOutcome,
  memory: AttemptMemory,
): Awaitable<StepEnd | NextWait> {
  if (outcome.kind === 'waiting') return beginWait(step, outcome, memory)
  const reading = readStepOutput(step, outcome.output, memory)
  const handles = outcome.handles ?? DEFAULT_HANDLES
  const complete = (output: Awaited<typeof reading>) => {
    // Nothing that holds some of this memory may wait for that of outputs.
    if (step.recorder.leavesNoRecord) {
      memory.close()
      step.config.release()
    }
    return completeStep(step, output, handles)
  }
  return reading instanceof Promise ? reading.then(complete) : complete(reading)
}

const DEFAULT_HANDLES: readonly string[] = Object.freeze([DEFAULT_HANDLE])
