import { openFollowers } from '../systems/followers.ts'
import { warmUp } from '../systems/systems.ts'
import { startWaitingRuns } from '../systems/waiting-runs.ts'
import type { Workload } from './workload.ts'

export const idleSubscribers: Workload = {
  title: 'W7-idle: 10,000 WebSocket subscribers on 100 runs that wait; memory of the process',
  async run({ systems: { startLume }, sizes }) {
    const lume = await startLume()
    try {
      await warmUp([lume], sizes.warmUp)
      const count = sizes.scaled(10_000, 100)
      const waiting = await startWaitingRuns(lume, 100, { steps: 1, pauseMs: 0 })
      const beforeMb = await lume.settledRssMb()
      const followers = await openFollowers(lume.url, waiting.jobIds, count, () => {})
      try {
        const peakMb = await lume.rssMb()
        const settledMb = await lume.settledRssMb()
        const figures = {
          subscribers: count,
          rssBeforeMb: beforeMb,
          rssAfterOpeningMb: peakMb,
          rssMb: settledMb,
          kbPerSubscriber: ((settledMb - beforeMb) * 1_024) / count,
        }
        // Each subscriber must still be there, and receive the end of its run.
        await waiting.go()
        await followers.ended
        return { rows: [['lume', figures]], ratios: {} }
      } finally {
        await followers.close()
      }
    } finally {
      await lume.close()
    }
  },
}
