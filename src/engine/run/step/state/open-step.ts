import type { PlanNode } from '../../../definition/index.ts'
import type { AttemptCode, RecordedStep } from '../../../record/index.ts'
import type { StepSite } from '../../context/index.ts'
import { StepCheckpoints } from './step-checkpoints.ts'
import { StepConfig } from './step-config.ts'
import { stepDeadline } from './step-deadline.ts'
import { StepRecorder } from './step-recorder.ts'

/** What the parts of one step's life share: its attempts, its waits, its reuse and its end. */
export class OpenStep {
  readonly node: PlanNode
  readonly site: StepSite
  /** What was on record of the step when it was taken up. */
  readonly recorded: RecordedStep | undefined
  readonly recorder: StepRecorder
  readonly config: StepConfig
  readonly checkpoints: StepCheckpoints
  readonly #deadline: number
  /** The last attempt's call: to read its output may run getters and `toJSON` functions of the block. */
  code: AttemptCode | null = null
  #closeAttempt = () => {}

  constructor(node: PlanNode, site: StepSite) {
    const recorded = site.run.request.recorded.steps.get(site.path)
    this.node = node
    this.#deadline = stepDeadline(node, site)
    this.site = site
    this.recorded = recorded
    this.recorder = new StepRecorder(node, site, recorded)
    this.config = new StepConfig(node, site, this.recorder)
    this.checkpoints = new StepCheckpoints({ site, areOnRecord: recorded?.hasCheckpoints ?? false })
  }

  /** An attempt is in flight until `endAttempt`: a process that stops waits for it. */
  beginAttempt(): void {
    this.#closeAttempt = this.site.run.openAttempt()
  }

  /** The outcome of the attempt is recorded, or will not be. */
  endAttempt(): void {
    this.#closeAttempt()
  }

  /** A wait that is as long as the step's time is ended by that alone: of two timers for one instant either may come first. */
  inTime(dueAt: number): number {
    return dueAt < this.#deadline ? dueAt : Number.POSITIVE_INFINITY
  }
}
