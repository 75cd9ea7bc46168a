import { z } from 'zod'
import { defineBlock, NO_RETRY } from '../../engine/block/index.ts'
import { loopConfigSchema } from '../../engine/run/index.ts'

/** The loop: the engine itself runs its body, once per item, with a checkpoint for each. */
export const forEachBlock = defineBlock({
  type: 'core.forEach',
  name: 'For each',
  description:
    'Runs a graph of its own for every item of a list, several at a time, and gathers the outputs in item order.',
  icon: 'repeat',
  effect: 'external',
  isControl: true,
  config: loopConfigSchema,
  output: z.union([z.array(z.json()), z.int()]),
  sample: [{ accepted: 50 }],
  retry: NO_RETRY,
  run: 'loop',
})
