import { BlockError } from '../block/block.ts'
import type { StandIn } from '../run/run.ts'
import { findMock, type Mocks } from './mocks.ts'
import { playMock } from './play-mock.ts'

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
