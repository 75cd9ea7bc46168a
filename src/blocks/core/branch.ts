import { z } from 'zod'
import { BlockError, completed, defineBlock } from '../../engine/block/index.ts'
import { isJsonObject, type Json } from '../../lib/json/index.ts'
import { shorten } from '../../lib/text/index.ts'

const handle = z
  .string()
  .regex(/^[A-Za-z0-9_.:-]{1,128}$/, 'has 1 to 128 letters, digits, "_", ".", ":" or "-"')

const twoWay = z.strictObject({
  condition: z
    .string()
    .min(1)
    .describe('A bare CEL expression that yields true or false; its handles are `true` and `false`.'),
})
const multiCase = z.strictObject({
  cases: z
    .array(
      z.strictObject({
        handle,
        when: z.string().min(1).describe('A bare CEL expression that yields true or false.'),
      }),
    )
    .min(1)
    .describe('Tried in order; the first that holds names the handle.'),
  default: handle
    .optional()
    .describe('The handle when no case holds; without one, nothing after the branch runs.'),
})

/** Sends a run one way or another. */
export const branchBlock = defineBlock({
  type: 'core.branch',
  name: 'Branch',
  description: 'Goes on by the handle of the first condition that holds. Its output is its input.',
  icon: 'split',
  effect: 'pure',
  config: z.union([twoWay, multiCase]),
  output: z.json(),
  sample: { score: 72 },
  expressions: [
    { pointer: '/condition', binds: [] },
    { pointer: '/cases/*/when', binds: [] },
  ],
  handles: handlesOf,
  async run({ config, input, evaluate, signal, yieldToEventLoop }) {
    const holds = (source: string): boolean => {
      const answer = evaluate(source)
      if (typeof answer === 'boolean') return answer
      throw new BlockError(
        'CONDITION_NOT_BOOLEAN',
        `The condition \`${shorten(source, 200)}\` must yield true or false.`,
      )
    }
    if ('condition' in config) return completed(input, [String(holds(config.condition))])
    for (const { handle: name, when } of config.cases) {
      await yieldToEventLoop()
      signal.throwIfAborted()
      if (holds(when)) return completed(input, [name])
    }
    return completed(input, config.default === undefined ? [] : [config.default])
  },
})

function handlesOf(config: Json): readonly string[] {
  if (!isJsonObject(config) || !Array.isArray(config.cases)) return ['true', 'false']
  const cases = (config.cases as readonly Json[]).map((one) => (isJsonObject(one) ? one.handle : undefined))
  return [...cases, config.default].filter((name) => typeof name === 'string')
}
