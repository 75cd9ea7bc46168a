import { followingController } from '../../../../lib/async/index.ts'
import type { PlanNode } from '../../../definition/index.ts'
import { finalFailure, type StepFailure } from '../../../record/index.ts'
import type { StepSite } from '../../context/index.ts'

/** The time for all attempts of a step is over. */
export class StepTimeout extends Error {
  /** Whose time: what runs inside a loop is cut off by the loop's. */
  readonly path: string
  readonly failure: StepFailure

  constructor(path: string, timeoutMs: number) {
    super(`The step took longer than ${timeoutMs} ms.`)
    this.path = path
    this.failure = finalFailure('STEP_TIMEOUT', this.message)
  }
}

/** When the time for all attempts of a step is over: it runs from the first one on, through waits and crashes. */
export function stepDeadline({ stepTimeoutMs }: PlanNode, { run, path }: StepSite): number {
  if (stepTimeoutMs === null) return Number.POSITIVE_INFINITY
  return (run.request.recorded.steps.get(path)?.startedAt ?? run.ports.clock.now()) + stepTimeoutMs
}

export interface BoundedSite {
  readonly site: StepSite
  /** To be called once the step has ended. */
  readonly unbind: () => void
}

/** The step's site with a signal that also aborts, with a `StepTimeout`, when the step's time is over; null where that has no bound. */
export function boundInTime(node: PlanNode, site: StepSite): BoundedSite | null {
  const { stepTimeoutMs } = node
  if (stepTimeoutMs === null) return null
  const { controller, unfollow } = followingController(site.signal)
  const { clock } = site.run.ports
  const deadline = stepDeadline(node, site)
  const leftMs = deadline - clock.now()
  const stop = () => controller.abort(new StepTimeout(site.path, stepTimeoutMs))
  // At once where it is over already: what is due at the same moment must not come first.
  if (leftMs <= 0) stop()
  const unwatch = clock.after(Math.max(0, leftMs), stop)
  // The timer dies when the run parks: the park is to end by then.
  const unbound = site.run.parksUntil(deadline)
  const unbind = () => {
    unbound()
    unwatch()
    unfollow()
  }
  return { site: { ...site, signal: controller.signal }, unbind }
}
