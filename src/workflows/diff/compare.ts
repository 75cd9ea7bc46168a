import { nodeHandles, type Block, type BlockRegistry } from '../../engine/block/index.ts'
import type { Json, JsonObject } from '../../lib/json/index.ts'
import type { Pieces } from '../../lib/turns/index.ts'
import { diffDefinitions, type DefinitionDiff } from './definition-diff.ts'

/** Compares two definitions in pieces; the blocks of a registry say which handles their nodes have. */
export function compareDefinitions(
  blocks: Pick<BlockRegistry, 'get'>,
  before: Json,
  after: Json,
): Pieces<DefinitionDiff> {
  return diffDefinitions(before, after, (node) => {
    const block = typeof node.type === 'string' ? blocks.get(node.type) : undefined
    return block ? handlesOf(block, node) : null
  })
}

/** Null where the block, which is code of its author, cannot compute them. */
function handlesOf(block: Block, { config = {}, onError }: JsonObject): readonly string[] | null {
  try {
    return nodeHandles(block, { config, onError })
  } catch {
    return null
  }
}
