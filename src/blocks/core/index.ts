/** Provides the blocks without an effect outside: conditions, loops, waits, calls of workflows, transform, fail and log. */
export { CORE_BLOCKS } from './core-blocks.ts'
