// The built server with a block that costs money, as an embedder would write it. Started as a process of its own.
import { completed, createLume, defineBlock, startServer } from '../../dist/index.js'
import { readEnvironment } from '../../dist/config.js'
import { z } from 'zod'

const buyBlock = defineBlock({
  type: 'test.buy',
  name: 'Buy',
  description: 'Buys once each time that it is called.',
  effect: 'external',
  repeat: 'never',
  config: z.strictObject({ url: z.string() }),
  output: z.json(),
  sample: null,
  async run({ config, idempotencyKey, signal }) {
    const headers = { 'idempotency-key': idempotencyKey }
    const response = await fetch(config.url, { method: 'POST', headers, signal })
    return completed({ body: await response.json() })
  },
})

const { lume: config } = readEnvironment(process.env)
const lume = await createLume(config, { blocks: [buyBlock] })
const server = await startServer({ lume, port: 0 })
process.stdout.write(`Lume is ready: ${server.url}\n`)
