import type { JobEvent, RecordedError, StepRecord } from '../record/index.ts'

/** Why a run waits for ever: the first wait for a signal that nothing ends. */
export function stuckOn(steps: readonly StepRecord[], events: readonly JobEvent[]): RecordedError {
  const code = 'SIMULATION_STUCK'
  const waiting = steps.find(({ wait }) => wait?.kind === 'signal')
  if (waiting?.wait?.kind !== 'signal') return { code, message: 'Nothing that it waits for would come.' }
  const { path, wait } = waiting
  const discarded = events.find((event) => event.kind === 'SIGNAL_DISCARDED' && event.body.path === path)
  const why =
    discarded?.kind === 'SIGNAL_DISCARDED'
      ? `the payload that it is given does not fit its schema (${discarded.body.problems.join('; ')})`
      : 'nothing sends it, and the wait has no time-out'
  return { code, path, message: `"${path}" waits for the signal "${wait.name}" for ever: ${why}.` }
}
