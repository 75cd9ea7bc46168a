// Blocks for LUME_BLOCKS that take their time: one costs money, one obeys no signal.
import { completed, defineBlock } from 'lume'
import { z } from 'zod'

export const buy = defineBlock({
  type: 'test.buy',
  name: 'Buy',
  description: 'Buys once each time that it is called.',
  effect: 'external',
  repeat: 'never',
  config: z.strictObject({ url: z.string() }),
  output: z.json(),
  sample: null,
  async run({ config: { url }, idempotencyKey, signal }) {
    const headers = { 'idempotency-key': idempotencyKey }
    return completed(await (await fetch(url, { method: 'POST', headers, signal })).json())
  },
})

export const deaf = defineBlock({
  type: 'test.deaf',
  name: 'Deaf',
  description: 'Says that it was called, and works for 40 s whatever its signal says.',
  effect: 'external',
  config: z.strictObject({ url: z.string() }),
  output: z.json(),
  sample: null,
  async run({ config: { url } }) {
    await fetch(url, { method: 'POST' })
    await new Promise((resolve) => setTimeout(resolve, 40_000))
    return completed(null)
  },
})
