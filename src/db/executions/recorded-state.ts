import type { RecordedState, RecordedStep } from '../../engine/record/index.ts'
import type { Queryable } from '../sql/index.ts'
import { loadLoggedOpenSteps, loadLoggedSteps, loadSmallOutputs, toStepState } from './logged-state.ts'
import type { JobKey, StepState } from './step-state.ts'

/** Loads steps, loop items, small outputs, and which open steps have checkpoints; nothing inside of ended loop items. */
export async function loadRecorded(
  pool: Queryable,
  jobs: readonly JobKey[],
): Promise<readonly RecordedState[]> {
  const logged = await loadLoggedSteps(pool, jobs)
  const outputs = await loadSmallOutputs(pool, jobs, logged)
  return jobs.map(({ id }) => {
    const own = logged.get(id)
    if (!own) return { steps: new Map(), items: new Map() }
    const steps = own.steps.map(({ step }): readonly [string, RecordedStep] => {
      const { path, finishedAt } = step
      const hasCheckpoints = finishedAt === null && own.checkpoints.has(path)
      return [path, { ...toStepState(step), output: outputs.get(id)?.get(path), hasCheckpoints }]
    })
    return { items: own.items, steps: new Map(steps) }
  })
}

/** Of each job: open steps, without what they wait for, and ended steps of top-level nodes. */
export async function loadOpenSteps(
  pool: Queryable,
  jobs: readonly JobKey[],
): Promise<readonly (readonly StepState[])[]> {
  const logged = await loadLoggedOpenSteps(pool, jobs)
  return jobs.map(({ id }) => logged.get(id) ?? [])
}
