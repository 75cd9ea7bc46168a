import type { Json } from '../../lib/json/index.ts'
import { ERROR_HANDLE, type Block } from './block.ts'

/** The handles that a node can be left by. They are computed by the block's author's code, which may throw. */
export function nodeHandles(
  block: Pick<Block, 'handles'>,
  { config, onError }: { readonly config: Json; readonly onError: unknown },
): readonly string[] {
  return [...block.handles(config), ...(onError === 'route' ? [ERROR_HANDLE] : [])]
}
