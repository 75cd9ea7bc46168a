// The built server with a block that costs money, as an embedder would write it. Started as a process of its own.
import { completed, createLume, defineBlock, startServer } from '../../dist/index.js'
import { readEnvironment } from '../../dist/config.js'
import { z } from 'zod'

const buyBlock = defineBlock({
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
  const response = await fetch(url, { method: 'POST', headers: { 'idempotency-key': key }, signal })
  return response.json()
}

const { lume: config } = readEnvironment(process.env)
const lume = await createLume(config, { blocks: [buyBlock] })
const server = await startServer({ lume, port: 0 })
process.stdout.write(`Lume is ready: ${server.url}\n`)
