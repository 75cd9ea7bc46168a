import { seededRandom } from '../../lib/index.ts'
import { completed, type BlockOutcome } from '../block/index.ts'
import type { StandInCall } from '../run/index.ts'
import { mockFailure, type Mock } from './mocks.ts'
import { plainOutcome, sampleOutput } from './sample-output.ts'

/** Does what a mock says in a block's place; `durationMs` is how long it takes where the mock does not say. */
export async function playMock(
  mock: Mock,
  { node, path, context }: StandInCall,
  { durationMs = 0 }: { readonly durationMs?: number } = {},
): Promise<BlockOutcome> {
  const { clock, signal, config, input } = context
  await clock.wait(mock.durationMs ?? durationMs, signal)
  const failure = mockFailure(mock)
  if (failure) throw failure
  const output =
    mock.output === undefined
      ? sampleOutput(node.block, { config, input, random: seededRandom(path) })
      : mock.output
  return mock.handles ? completed(output, mock.handles) : plainOutcome(node, output)
}
