import { ERROR_HANDLE } from '../../engine/block.ts'
import type { BlockRegistry } from '../../engine/registry.ts'
import type { Json } from '../../lib/json.ts'
import { diffDefinitions, type DefinitionDiff } from './definition-diff.ts'

/** Compares two definitions, the blocks of a registry telling which handles their nodes have. */
export function compareDefinitions(
  blocks: Pick<BlockRegistry, 'get'>,
  before: Json,
  after: Json,
): DefinitionDiff {
  return diffDefinitions(before, after, ({ type, config = {}, onError }) => {
    const block = typeof type === 'string' ? blocks.get(type) : undefined
    if (!block) return null
    return onError === 'route' ? [...block.handles(config), ERROR_HANDLE] : block.handles(config)
  })
}
