import type { Block } from '../engine/block.ts'
import { branchBlock } from './core/branch.ts'
import { callWorkflowBlock } from './core/call-workflow.ts'
import { delayBlock } from './core/delay.ts'
import { failBlock } from './core/fail.ts'
import { filterBlock } from './core/filter.ts'
import { forEachBlock } from './core/for-each.ts'
import { logBlock } from './core/log.ts'
import { transformBlock } from './core/transform.ts'
import { waitForSignalBlock } from './core/wait-for-signal.ts'

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
