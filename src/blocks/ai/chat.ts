import { z } from 'zod'
import {
  completed,
  defineBlock,
  type Block,
  type BlockContext,
  type SampleCall,
} from '../../engine/block/index.ts'
import {
  completionRequest,
  DEFAULT_MODEL,
  estimateCall,
  modelSettings,
  openRouterCaller,
  reportUsage,
  temperatureSetting,
  usageOutputSchema,
  type OpenRouterClient,
} from '../providers/openrouter/index.ts'
import { PROVIDER_RETRY } from '../providers/shared/index.ts'

const EXPECTED_OUTPUT_TOKENS = 300
const MODEL_TIMEOUT_MS = 10 * 60_000

const partSchema = z.union([
  z.strictObject({ type: z.literal('text'), text: z.string() }),
  z.strictObject({
    type: z.literal('image_url'),
    image_url: z.strictObject({ url: z.string().min(1), detail: z.enum(['auto', 'low', 'high']).optional() }),
  }),
])

const configSchema = z.strictObject({
  messages: z
    .array(
      z.strictObject({
        role: z.enum(['system', 'developer', 'user', 'assistant']),
        content: z.union([z.string(), z.array(partSchema).min(1)], {
          error: 'must be a text or a list of parts of type text or image_url',
        }),
      }),
    )
    .min(1)
    .describe(
      'What has been said so far: { role, content }; content is a text, or parts of text and images.',
    ),
  ...modelSettings,
  temperature: temperatureSetting(1),
  stream: z
    .boolean()
    .default(true)
    .describe('Whether the words are handed out as they come, to those who watch the execution.'),
})
type ChatConfig = z.output<typeof configSchema>

const outputSchema = z.object({
  text: z.string().describe('What the model answered.'),
  model: z.string().describe('The model that really answered.'),
  finishReason: z
    .string()
    .describe('stop: it was done; length: cut off at maxTokens; content_filter: censored.'),
  id: z.string().describe('OpenRouter’s id of the answer.'),
  usage: usageOutputSchema.describe('What it took.'),
})

/**
 * `ai.openrouter.chat`: one answer of a model. It costs money and OpenRouter takes no idempotency key, so a call whose
 * outcome is unknown is not made again by itself.
 */
export function chatBlock({ client }: { client: OpenRouterClient }): Block {
  return defineBlock({
    type: 'ai.openrouter.chat',
    name: 'Chat',
    description: 'Asks a language model and gives back what it answered, with tokens and cost.',
    icon: 'message-square',
    effect: 'external',
    repeat: 'never',
    retry: PROVIDER_RETRY,
    secrets: ['openrouter'],
    config: configSchema,
    output: outputSchema,
    sample: {
      text: 'Acme sells hand-made running shoes to trail runners in the Alps.',
      model: DEFAULT_MODEL,
      finishReason: 'stop',
      id: 'gen-1764000000-abc',
      usage: { inputTokens: 120, outputTokens: 18, costUsd: 0.0000288 },
    },
    sampleFor,
    estimate: ({ config }) => {
      const outputTokens = Math.min(config.maxTokens ?? EXPECTED_OUTPUT_TOKENS, EXPECTED_OUTPUT_TOKENS)
      return estimateCall({ model: config.model, calls: 1, sent: config.messages, outputTokens })
    },
    timeoutMs: MODEL_TIMEOUT_MS,
    async run(context: BlockContext<ChatConfig>) {
      const { config } = context
      const { text, model, finishReason, id, usage } = await client.complete(
        completionRequest(config, config.messages),
        openRouterCaller(context),
        {
          onText: (piece) => (config.stream ? context.stream(piece) : context.heartbeat()),
          onUsage: (used) => reportUsage(context, used),
        },
      )
      return completed({ text, model, finishReason, id, usage })
    },
  })
}

const SAMPLE_ANSWERS = [
  'They are a good fit: the team is growing and the product matches what they sell.',
  'They are a weak fit: their audience is local and they do not advertise online.',
  'It is too early to tell; ask them about their plans for the next quarter.',
]

function sampleFor({ config, random }: SampleCall & { readonly config: ChatConfig }) {
  const text = SAMPLE_ANSWERS[Math.floor(random() * SAMPLE_ANSWERS.length)] ?? ''
  const inputTokens = Math.ceil(JSON.stringify(config.messages).length / 4)
  const usage = { inputTokens, outputTokens: Math.ceil(text.length / 4), costUsd: 0 }
  return { text, model: config.model, finishReason: 'stop', id: 'gen-demo', usage }
}
