import { assertNever, seededRandom } from '../../lib/index.ts'
import { BlockError, type ExecutionMode } from '../block/index.ts'
import type { StandIn } from '../run/index.ts'
import { findMock, NO_MOCKS, type Mocks } from './mocks.ts'
import { playMock } from './play-mock.ts'
import { plainOutcome, sampleOutput } from './sample-output.ts'

/** What is done in place of calls in a mode; null: they are made. */
export function standInOf({
  mode,
  mocks,
}: {
  readonly mode: ExecutionMode
  readonly mocks: Mocks | null
}): StandIn | null {
  switch (mode) {
    case 'production':
      return null
    case 'demo':
      return demoStandIn
    case 'test':
      return testStandIn(mocks ?? NO_MOCKS)
    default:
      return assertNever(mode)
  }
}

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

/** Test mode: a block that would call out does what its mock says, and fails without one. */
export function testStandIn(mocks: Mocks): StandIn {
  return async (call) => {
    const found = findMock(mocks, call)
    if (found) return playMock(found.mock, call)
    const { node, path } = call
    const message = `In test mode "${node.id}" (${node.block.type}) needs a mock: give \`mocks\` an entry "${node.id}" or "${path}".`
    throw new BlockError('MOCK_MISSING', message, { details: { nodeId: node.id, path } })
  }
}
