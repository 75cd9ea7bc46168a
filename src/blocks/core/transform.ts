import { z } from 'zod'
import { completed, defineBlock } from '../../engine/block/index.ts'
import { anyJson } from '../../lib/json/index.ts'

/** Makes a value of others. */
export const transformBlock = defineBlock({
  type: 'core.transform',
  name: 'Transform',
  description: 'Makes a value: any JSON in which strings may hold templates. Its output is that value.',
  icon: 'shuffle',
  effect: 'pure',
  config: z.strictObject({ value: anyJson().describe('The value to make.') }),
  output: z.json(),
  sample: { greeting: 'Hello Ada' },
  async run({ config }) {
    return completed(config.value)
  },
})
