import { z } from 'zod'
import { completed, defineBlock, LOG_LEVELS } from '../../engine/block/index.ts'
import { anyJson } from '../../lib/json/index.ts'

/** Writes a line into the timeline. */
export const logBlock = defineBlock({
  type: 'core.log',
  name: 'Log',
  description: 'Writes a line into the timeline and passes its input on.',
  icon: 'scroll-text',
  effect: 'external',
  isControl: true,
  config: z.strictObject({
    message: z.string().max(4_000).describe('The line.'),
    level: z.enum(LOG_LEVELS).default('info').describe('How much it matters.'),
    fields: z.record(z.string(), anyJson()).optional().describe('Facts beside it.'),
  }),
  output: z.json(),
  sample: null,
  async run({ config: { message, level, fields }, input, log }) {
    log[level](message, fields)
    return completed(input)
  },
})
