import type { RecordedState, RecordedStep } from '../../engine/record/index.ts'
import type { Queryable } from '../sql/index.ts'
import { loadLoggedOpenSteps, loadLoggedSteps, loadSmallOutputs, toStepState } from './logged-state.ts'
import type { JobKey, StepState } from './step-state.ts'
import { loadUnlogged, loadUnloggedOpenSteps } from './unlogged-state.ts'

/** Loads steps, loop items, small outputs, and which open steps have checkpoints; nothing inside of ended loop items. */
export async function loadRecorded(
  pool: Queryable,
  jobs: readonly JobKey[],
): Promise<readonly RecordedState[]> {
  const logged = await loadLoggedSteps(pool, jobs)
  const unlogged = jobs.filter(({ id }) => !logged.has(id))
  const [outputs, others] = await Promise.all([
    loadSmallOutputs(pool, jobs, logged),
    unlogged.length === 0 ? [] : loadUnlogged(pool, unlogged),
  ])
  const states = new Map(unlogged.map(({ id }, n) => [id, others[n]]))
  return jobs.map(({ id }) => {
    const own = logged.get(id)
    if (!own) return states.get(id) ?? { steps: new Map(), items: new Map() }
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
  const unlogged = jobs.filter(({ id }) => !logged.has(id))
  const others = unlogged.length === 0 ? [] : await loadUnloggedOpenSteps(pool, unlogged)
  const open = new Map(unlogged.map(({ id }, n) => [id, others[n]]))
  return jobs.map(({ id }) => logged.get(id) ?? open.get(id) ?? [])
}
