import { BaseBlockExecutor, completed, defineBlock, registerBlock, type BlockContext } from 'lume'
import { z } from 'zod'

/** A block as a description: its schemas check every config and output, and show in the catalogue. */
export const score = defineBlock({
  type: 'custom.score',
  name: 'Score a lead',
  description: 'Gives points for each wanted word in a lead’s title.',
  effect: 'pure',
  config: z.object({
    title: z.string().describe('What the lead does.'),
    words: z.array(z.string()).describe('Words that are worth points.'),
    points: z.int().default(10).describe('How many points each is worth.'),
  }),
  output: z.object({ score: z.int().describe('All points together.') }),
  sample: { score: 20 },
  run: async ({ config: { title, words, points } }) => {
    const found = words.filter((word) => title.toLowerCase().includes(word.toLowerCase()))
    return completed({ score: found.length * points })
  },
})

/** A block as a class: for code that already has such classes. */
class Greet extends BaseBlockExecutor {
  constructor() {
    super('custom.greet')
  }

  override execute({ name }: { name?: string }, _input: unknown, { log }: BlockContext) {
    if (!name)
      return { status: 'failed' as const, error: { code: 'NAME_MISSING', message: 'there is no name' } }
    log.info(`greeting ${name}`)
    return { status: 'completed' as const, output: { text: `Hello ${name}!` } }
  }
}
registerBlock('custom.greet', Greet, { name: 'Greet', category: 'custom', effect: 'pure' })
