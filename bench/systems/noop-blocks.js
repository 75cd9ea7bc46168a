// The blocks that the workloads use, for LUME_BLOCKS. What remains of a step that does nothing is the cost of Lume.
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { completed, defineBlock } from 'lume'
import { z } from 'zod'

const OUTPUT = 'x'.repeat(198)

export const noop = defineBlock({
  type: 'bench.noop',
  name: 'No-op',
  description: 'Returns 200 bytes of JSON.',
  effect: 'external',
  repeat: 'safe',
  config: z.strictObject({}),
  output: z.string(),
  sample: OUTPUT,
  run: async () => completed(OUTPUT),
})

export const pause = defineBlock({
  type: 'bench.pause',
  name: 'Pause',
  description:
    'Returns 200 bytes of JSON after a time in milliseconds, during which it holds its worker slot.',
  effect: 'external',
  repeat: 'safe',
  config: z.strictObject({ ms: z.number() }),
  output: z.string(),
  sample: OUTPUT,
  run: async ({ config, signal }) => {
    await sleep(config.ms, null, { signal })
    return completed(OUTPUT)
  },
})

// A measurement of memory must not depend on when the garbage collector last ran: this signal runs it.
setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc')
process.on('SIGUSR2', () => collect())
