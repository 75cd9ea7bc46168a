import { inFlight } from '../measure/in-flight.ts'
import { chainOf } from '../systems/system.ts'
import type { Workload } from './workload.ts'

const SHAPE = chainOf(1)
const WIDTH = 50

export const memory: Workload = {
  title: 'memory: resident memory after 100,000 executions of one step against after 10,000',
  async run({ systems: { startLume }, sizes }) {
    const lume = await startLume()
    try {
      await lume.prepare(SHAPE)
      const runMany = async (executions: number) => {
        await inFlight(executions, WIDTH, () => lume.run(SHAPE))
        return lume.settledRssMb()
      }
      const few = sizes.scaled(10_000)
      const rssAfterFewMb = await runMany(few)
      const rssAfterManyMb = await runMany(few * 9)
      return {
        rows: [['lume', { fewExecutions: few, rssAfterFewMb, manyExecutions: few * 10, rssAfterManyMb }]],
        ratios: { manyToFew: rssAfterManyMb / rssAfterFewMb },
      }
    } finally {
      await lume.close()
    }
  },
}
