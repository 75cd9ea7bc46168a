import { z } from 'zod'
import type { Block } from '../../engine/block/index.ts'
import type { OpenRouterClient } from '../providers/openrouter/index.ts'
import { itemsBlock, itemsSettings } from './items-block.ts'

const configSchema = z.strictObject({
  ...itemsSettings,
  interests: z
    .array(z.string().min(1))
    .max(200)
    .default([])
    .describe('The only labels to give. Without any, the model finds labels of its own.'),
  maxInterests: z.int().min(1).max(50).default(5).describe('The most interests that an item may get.'),
})
type InterestConfig = z.output<typeof configSchema>

const answerSchema = z.object({
  interests: z
    .array(
      z.object({
        label: z.string().describe('The interest, in one to three words.'),
        score: z.number().min(0).max(1).describe('How strong it is, from 0 to 1.'),
        evidence: z.string().describe('The words of the item that show it.'),
      }),
    )
    .describe('The strongest first; empty where the item shows none.'),
})

const SAMPLE_INTERESTS = ['trail running', 'travel', 'photography', 'cooking', 'cycling', 'interior design']

/** `ai.interest`: what the people behind posts are interested in. */
export function interestBlock(ports: { client: OpenRouterClient }): Block {
  return itemsBlock(
    {
      type: 'ai.interest',
      name: 'Interests',
      description:
        'Finds by a language model what posts, or the posts of a person, show interest in, and how strongly.',
      icon: 'heart',
      config: configSchema,
      answer: answerSchema,
      answerFor,
      task,
      sampleAnswer: (item, { config, random }) => sampleAnswer(JSON.stringify(item), config, random),
      sampleConfig: configSchema.parse({
        items: ['Sunrise run above the valley: 21 km, and no one else there.'],
      }),
    },
    ports,
  )
}

/** The labels and the count that are allowed are part of the form: an answer with others is asked for once more. */
function answerFor({ interests, maxInterests }: InterestConfig) {
  const label = interests.length > 0 ? z.enum(interests) : answerSchema.shape.interests.element.shape.label
  const interest = answerSchema.shape.interests.element.extend({ label })
  return answerSchema.extend({ interests: z.array(interest).max(maxInterests) })
}

function task({ interests, maxInterests }: InterestConfig): string {
  return [
    'Each item is a post, or the posts of one person. Find out what its author is interested in.',
    `Give at most ${maxInterests} interests, the strongest first, each with a score and the words that show it.`,
    ...(interests.length > 0 ? [`Use only these labels: ${JSON.stringify(interests)}.`] : []),
  ].join('\n')
}

function sampleAnswer(text: string, config: InterestConfig, random: () => number) {
  const labels = config.interests.length > 0 ? config.interests : SAMPLE_INTERESTS
  const first = Math.floor(random() * labels.length)
  const count = Math.min(config.maxInterests, labels.length, 2)
  const evidence = text.slice(0, 60)
  return {
    interests: Array.from({ length: count }, (_, rank) => ({
      label: labels[(first + rank) % labels.length] as string,
      score: Math.round((0.9 - rank * 0.3) * 100) / 100,
      evidence,
    })),
  }
}
