import { z } from 'zod'
import type { Block } from '../../engine/block/index.ts'
import type { OpenRouterClient } from '../providers/openrouter/index.ts'
import { itemsBlock, itemsSettings } from './items-block.ts'

const LABELS = ['positive', 'neutral', 'negative', 'mixed'] as const

const configSchema = z.strictObject({
  ...itemsSettings,
  about: z
    .string()
    .default('')
    .describe('Whose or what’s sentiment counts, such as a brand; without it, that of the text as a whole.'),
})

const answerSchema = z.object({
  label: z.enum(LABELS).describe('The mood as a whole; mixed: strongly both.'),
  score: z.number().min(-1).max(1).describe('From -1 (as negative as can be) to 1 (as positive as can be).'),
  rationale: z.string().describe('Why, in one sentence.'),
})

const SAMPLES: readonly z.output<typeof answerSchema>[] = [
  { label: 'positive', score: 0.82, rationale: 'It praises the comfort of the shoes and recommends them.' },
  { label: 'neutral', score: 0.05, rationale: 'It reports what happened without a judgement.' },
  { label: 'negative', score: -0.64, rationale: 'It complains about the late delivery.' },
  { label: 'mixed', score: -0.1, rationale: 'It likes the product but not the service.' },
]

/** `ai.sentiment`: in what mood texts are. */
export function sentimentBlock(ports: { client: OpenRouterClient }): Block {
  return itemsBlock(
    {
      type: 'ai.sentiment',
      name: 'Sentiment',
      description: 'Labels and scores the sentiment of texts by a language model, and says why.',
      icon: 'smile',
      config: configSchema,
      answer: answerSchema,
      task: ({ about }) =>
        about
          ? `Judge the sentiment that each item expresses about ${about}; neutral where it expresses none.`
          : 'Judge the sentiment that each item expresses.',
      sampleAnswer: (_, { random }) =>
        SAMPLES[Math.floor(random() * SAMPLES.length)] as (typeof SAMPLES)[number],
      sampleConfig: configSchema.parse({ items: ['The most comfortable shoes that I ever had!'] }),
    },
    ports,
  )
}
