import { seededRandom } from '../../lib/seeded-random.ts'
import type { StandIn } from '../run/run.ts'
import { plainOutcome, sampleOutput } from './sample-output.ts'

/** How long a call of a demo seems to take. */
const MIN_DELAY_MS = 50
const MAX_DELAY_MS = 400

/**
 * Demo mode: a block that would call out gives its sample, shaped by what it was given, after a short delay. Both are the
 * same for the same step of the same execution, so a recovered demo goes on like an unbroken one.
 */
export const demoStandIn: StandIn = async ({ node, path, context }) => {
  const { clock, signal, config, input, execution } = context
  const random = seededRandom(`${execution.id}/${path}`)
  const delayMs = Math.round(MIN_DELAY_MS + random() * (MAX_DELAY_MS - MIN_DELAY_MS))
  await clock.wait(delayMs, signal)
  return plainOutcome(node, sampleOutput(node.block, { config, input, random }))
}
