import { z } from 'zod'
import { BlockError, DEFAULT_HANDLE, defineBlock, NO_RETRY, waiting } from '../../engine/block/index.ts'
import { sampleOfSchema } from '../../engine/json-schema/index.ts'
import { anyJson, isJsonObject } from '../../lib/json/index.ts'
import { shorten } from '../../lib/text/index.ts'
import { parseDuration } from '../../lib/time/index.ts'

const TIMEOUT_HANDLE = 'timeout'
const MAX_TIMEOUT_MS = 366 * 86_400_000

/** Waits for somebody outside: the block for a person's approval, and for call-backs. */
export const waitForSignalBlock = defineBlock({
  type: 'core.waitForSignal',
  name: 'Wait for a signal',
  description:
    'Waits until a signal of this name is sent to the execution, and gives its payload. Waiting holds nothing and survives restarts.',
  icon: 'hand',
  effect: 'external',
  isControl: true,
  config: z.strictObject({
    name: z.string().min(1).max(200).describe('The name that the sender gives; first in, first out.'),
    schema: z
      .union([z.record(z.string(), anyJson()), z.boolean()])
      .optional()
      .describe('JSON Schema 2020-12 that the payload must satisfy; default: any payload.'),
    timeout: z
      .union([z.number().min(0), z.string()])
      .optional()
      .describe('How long to wait: milliseconds, or text such as "90s" or "3d"; default: for ever.'),
    onTimeout: z
      .enum(['fail', 'route'])
      .default('fail')
      .describe('`fail`: the step fails with SIGNAL_TIMEOUT. `route`: it leaves by the handle `timeout`.'),
    sample: anyJson()
      .optional()
      .describe('The payload that a simulation answers with; default: one that `schema` admits.'),
  }),
  schemas: ['schema'],
  output: z.json(),
  sample: { approved: true },
  sampleFor: ({ config: { sample, schema } }) =>
    sample ?? (isJsonObject(schema) ? sampleOfSchema(schema) : { approved: true }),
  handles: (config) =>
    isJsonObject(config) && config.onTimeout === 'route'
      ? [DEFAULT_HANDLE, TIMEOUT_HANDLE]
      : [DEFAULT_HANDLE],
  retry: NO_RETRY,
  async run({ config: { name, schema = null, timeout, onTimeout } }) {
    return waiting({
      signal: {
        name,
        schema,
        timeoutMs: timeout === undefined ? null : lengthOf(timeout),
        timeoutHandle: onTimeout === 'route' ? TIMEOUT_HANDLE : null,
      },
    })
  },
})

function lengthOf(timeout: number | string): number {
  const ms = typeof timeout === 'number' ? timeout : parseDuration(timeout)
  if (ms !== null && ms <= MAX_TIMEOUT_MS) return ms
  throw new BlockError(
    'SIGNAL_INVALID',
    `"${shorten(String(timeout), 100)}" in \`timeout\` is not a length of time such as "90s" or "3d", at most 366 days.`,
  )
}
