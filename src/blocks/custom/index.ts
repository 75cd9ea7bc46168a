/** Registers the blocks that the embedding program and the modules of users define. */
export {
  BaseBlockExecutor,
  pendingBlocks,
  registerBlock,
  toBlock,
  type BlockAbout,
  type BlockArguments,
  type BlockResult,
  type RegisterBlock,
} from './register-block.ts'
