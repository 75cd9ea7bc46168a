import type { Block } from '../engine/block.ts'
import { branchBlock } from './core/branch.ts'
import { delayBlock } from './core/delay.ts'
import { filterBlock } from './core/filter.ts'
import { forEachBlock } from './core/for-each.ts'
import { transformBlock } from './core/transform.ts'

/** The blocks that need nothing from outside. */
export const CORE_BLOCKS: readonly Block[] = [
  filterBlock,
  branchBlock,
  transformBlock,
  forEachBlock,
  delayBlock,
]
