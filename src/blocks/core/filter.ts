import { z } from 'zod'
import { BlockError, completed, defineBlock } from '../../engine/block/index.ts'
import { anyJson, type Json } from '../../lib/json/index.ts'
import { shorten } from '../../lib/text/index.ts'

/** Parts a list in two by a condition. */
export const filterBlock = defineBlock({
  type: 'core.filter',
  name: 'Filter',
  description: 'Keeps the items of a list for which a condition holds, and sets the others apart.',
  icon: 'filter',
  effect: 'pure',
  config: z.strictObject({
    items: z.array(anyJson()).describe('The list, usually a template such as `{{ input.leads }}`.'),
    condition: z
      .string()
      .min(1)
      .describe('A bare CEL expression on `item` and `index`; must yield true or false.'),
  }),
  output: z.object({
    items: z.array(z.json()).describe('The items that passed, in order.'),
    rejected: z.array(z.json()).describe('The others, in order.'),
  }),
  sample: { items: [{ email: 'ada@example.com', score: 72 }], rejected: [] },
  expressions: [{ pointer: '/condition', binds: ['item', 'index'], itemsOf: 'items' }],
  async run({ config, evaluate, signal, yieldToEventLoop }) {
    const items: Json[] = []
    const rejected: Json[] = []
    for (const [index, item] of config.items.entries()) {
      await yieldToEventLoop()
      signal.throwIfAborted()
      const isWanted = evaluate(config.condition, { item, index })
      if (typeof isWanted !== 'boolean') {
        const message = `The condition must yield true or false; for item ${index} it yields ${shorten(JSON.stringify(isWanted), 200)}.`
        throw new BlockError('CONDITION_NOT_BOOLEAN', message)
      }
      if (isWanted) items.push(item)
      else rejected.push(item)
    }
    return completed({ items, rejected })
  },
})
