import { z } from 'zod'
import { BlockError, defineBlock, waiting } from '../../engine/block/index.ts'
import { shorten } from '../../lib/text/index.ts'
import { parseDuration } from '../../lib/time/index.ts'

const MAX_DELAY_MS = 366 * 86_400_000

/** Waits without holding anything: an execution in which only delays are left gives its worker back. */
export const delayBlock = defineBlock({
  type: 'core.delay',
  name: 'Delay',
  description:
    'Waits for a length of time, or until an instant, and passes its input on. Waiting survives restarts.',
  icon: 'timer',
  effect: 'external',
  isControl: true,
  config: z.union([
    z.strictObject({
      duration: z
        .union([z.number().min(0), z.string()])
        .describe(
          'Milliseconds, or text such as "90s", "15m", "2h", "7d" or ISO 8601 "PT15M"; at most 366 days.',
        ),
    }),
    z.strictObject({ until: z.string().describe('An ISO 8601 instant such as "2027-01-31T09:00:00Z".') }),
  ]),
  output: z.json(),
  sample: null,
  async run({ config, input, clock }) {
    const until = 'until' in config ? instantOf(config.until) : clock.now() + lengthOf(config.duration)
    if (until - clock.now() > MAX_DELAY_MS)
      throw new BlockError('DELAY_INVALID', 'A delay is at most 366 days.')
    return waiting({ until, output: input })
  },
})

// With a zone, or a date alone, which is UTC: an instant must not depend on where the worker stands.
const INSTANT = z.union([
  z.iso.datetime({ offset: true }),
  z.iso.datetime({ offset: true, precision: -1 }), // to the minute
  z.iso.date(),
])

function instantOf(until: string): number {
  const instant = INSTANT.safeParse(until)
  if (instant.success) return Date.parse(instant.data)
  throw new BlockError(
    'DELAY_INVALID',
    `"${shorten(until, 100)}" in \`until\` is not an ISO 8601 instant such as "2027-01-31T09:00:00Z".`,
  )
}

function lengthOf(duration: number | string): number {
  const ms = typeof duration === 'number' ? duration : parseDuration(duration)
  if (ms !== null) return ms
  throw new BlockError(
    'DELAY_INVALID',
    `"${shorten(String(duration), 100)}" is not a length of time such as "90s", "15m" or "PT15M".`,
  )
}
