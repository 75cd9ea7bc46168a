import { compare } from '../measure/compare.ts'
import { measureRuns } from '../measure/round.ts'
import { definitionOf } from '../systems/lume.ts'
import { chainOf } from '../systems/system.ts'
import { warmUp } from '../systems/systems.ts'
import type { Workload } from './workload.ts'

const STEPS = 100

export const pureChain: Workload = {
  title: 'W5: chain of 100 pure steps, 50 executions in flight, one process',
  async run({ systems: { startLume }, sizes }) {
    const lume = await startLume()
    try {
      await warmUp([lume], sizes.warmUp)
      const workflowId = await lume.createWorkflow(
        definitionOf(chainOf(STEPS), 'core.transform', { value: 1 }),
      )
      const plan = {
        steps: STEPS,
        executions: sizes.scaled(300),
        width: 50,
        run: () => lume.runWorkflow(workflowId),
      }
      const rows = await compare([lume], sizes.rounds, () => measureRuns(lume, plan))
      return { rows, ratios: {} }
    } finally {
      await lume.close()
    }
  },
}
