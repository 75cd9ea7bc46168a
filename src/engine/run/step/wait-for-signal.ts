import { deepFreeze, type Json, type JsonObject } from '../../../lib/json/index.ts'
import { DEFAULT_HANDLE } from '../../block/index.ts'
import { findInputProblems, type SchemaChecker } from '../../json-schema/index.ts'
import type { ReadMemory } from '../../memory/index.ts'
import { finalFailure, type KnownWait, type Signal, type StepFailure } from '../../record/index.ts'
import type { StepSite } from '../context/index.ts'

/** How a wait for something from outside has ended. */
export type WaitEnd =
  | {
      readonly kind: 'completed'
      readonly output: Json
      readonly handles: readonly string[]
      /** The signal that ended it, used up by the record of this end. */
      readonly signal: { readonly number: number; readonly name: string } | null
    }
  | { readonly kind: 'failed'; readonly failure: StepFailure }

type SignalStepWait = Extract<KnownWait, { kind: 'signal' }>

export interface SignalWaitOptions {
  readonly dueAt: number
  readonly discard: (signal: Signal, problems: string[]) => Promise<void>
  /** For the payload of the signal that ends the wait, and for its schema; the caller releases it. */
  readonly memory: Pick<ReadMemory, 'take' | 'release'>
}

/**
 * Waits for a signal whose payload fits; first in, first out. The wait discards signals that do not fit and continues. It reads
 * the payload of one signal at a time.
 */
export async function waitForSignal(
  wait: SignalStepWait,
  { run, path, activity, signal: stop }: StepSite,
  { dueAt, discard, memory }: SignalWaitOptions,
): Promise<WaitEnd> {
  const { name, schemaBytes, timeoutHandle } = wait
  let found: Signal | null = null
  const isOver = () => (found ??= run.inbox.takeSignal(name, path)) !== null
  while (isOver() || run.ports.clock.now() < dueAt) {
    try {
      await activity.waitUntil(dueAt, stop, isOver)
    } catch (reason) {
      // Cut off between the signal and the record of its use: in a pause, in a park, in the queue for a lane.
      if (found !== null) run.inbox.giveBack(found)
      throw reason
    }
    if (found === null) continue
    const taken: Signal = found
    let payload: Json
    let problems: string[]
    try {
      await memory.take(taken.bytes + schemaBytes)
      const received = await run.ports.journal.signal(taken.number, path)
      payload = deepFreeze(JSON.parse(received.payload) as Json)
      problems = await signalProblems(run.schemas, JSON.parse(received.schema) as Schema, payload)
      stop.throwIfAborted()
    } catch (reason) {
      // Cut off during the read or the check: nothing is on record of the signal's use.
      run.inbox.giveBack(taken)
      throw reason
    }
    if (problems.length === 0)
      return { kind: 'completed', output: payload, handles: [DEFAULT_HANDLE], signal: taken }
    await discard(taken, problems)
    memory.release()
    found = null
  }
  stop.throwIfAborted()
  if (timeoutHandle !== null)
    return { kind: 'completed', output: null, handles: [timeoutHandle], signal: null }
  return {
    kind: 'failed',
    failure: finalFailure('SIGNAL_TIMEOUT', `No signal "${name}" came in time.`),
  }
}

type Schema = JsonObject | boolean | null

/** What is wrong with a signal's payload; empty when it fits. */
async function signalProblems(schemas: SchemaChecker, schema: Schema, payload: Json): Promise<string[]> {
  const problems = await findInputProblems(schemas, schema, payload)
  return problems.map(({ pointer, message }) => `${pointer} ${message}`.trimStart())
}
