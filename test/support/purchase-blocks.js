// A block that costs money, for LUME_BLOCKS.
import { completed, defineBlock } from 'lume'
import { z } from 'zod'

export default defineBlock({
  type: 'test.buy',
  name: 'Buy',
  description: 'Buys once each time that it is called, unless a checkpoint says what was bought.',
  effect: 'external',
  repeat: 'never',
  config: z.strictObject({ url: z.string(), deliveryUrl: z.string().optional() }),
  output: z.json(),
  sample: null,
  async run({ config: { url, deliveryUrl }, idempotencyKey, signal, checkpoints, checkpoint }) {
    const bought = checkpoints.bought ?? (await post(url, { key: idempotencyKey, signal }))
    if (deliveryUrl) {
      await checkpoint('bought', bought)
      await post(deliveryUrl, { key: `${idempotencyKey}/delivery`, signal })
    }
    return completed({ body: bought })
  },
})

async function post(url, { key, signal }) {
  const headers = { 'idempotency-key': key, 'caller-pid': String(process.pid) }
  const response = await fetch(url, { method: 'POST', headers, signal })
  return response.json()
}
