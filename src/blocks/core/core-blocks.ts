import type { Block } from '../../engine/block/index.ts'
import { branchBlock } from './branch.ts'
import { callWorkflowBlock } from './call-workflow.ts'
import { delayBlock } from './delay.ts'
import { failBlock } from './fail.ts'
import { filterBlock } from './filter.ts'
import { forEachBlock } from './for-each.ts'
import { logBlock } from './log.ts'
import { transformBlock } from './transform.ts'
import { waitForSignalBlock } from './wait-for-signal.ts'

/** The blocks that need nothing from outside. */
export const CORE_BLOCKS: readonly Block[] = [
  filterBlock,
  branchBlock,
  transformBlock,
  forEachBlock,
  delayBlock,
  waitForSignalBlock,
  callWorkflowBlock,
  failBlock,
  logBlock,
]
