import { z } from 'zod'
import { BlockError, defineBlock } from '../../engine/block/index.ts'
import { anyJson } from '../../lib/json/index.ts'

/** Ends a way through the graph on purpose. */
export const failBlock = defineBlock({
  type: 'core.fail',
  name: 'Fail',
  description: 'Fails with a message: what follows is the node’s `onError`, as with any failed step.',
  icon: 'octagon-x',
  effect: 'pure',
  config: z.strictObject({
    message: z.string().min(1).max(4_000).describe('Why, for people.'),
    code: z
      .string()
      .regex(/^[A-Z][A-Z0-9_]{0,99}$/, 'has upper-case letters, digits and "_"')
      .default('FAILED_ON_PURPOSE')
      .describe('Why, for programs.'),
    details: z.record(z.string(), anyJson()).optional().describe('Facts beside it.'),
  }),
  // There never is one.
  output: z.null(),
  sample: null,
  handles: () => [],
  async run({ config: { message, code, details } }) {
    throw new BlockError(code, message, details === undefined ? {} : { details })
  },
})
