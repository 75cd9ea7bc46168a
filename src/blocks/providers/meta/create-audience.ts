import { z } from 'zod'
import { completed, defineBlock, type Block, type BlockContext } from '../../../engine/block/index.ts'
import { PROVIDER_RETRY } from '../shared/index.ts'
import type { MetaClient } from './meta-client.ts'

export const audienceSchema = z.strictObject({
  accountId: z
    .string()
    .regex(/^(act_)?\d+$/, 'is not the number of an ad account, with or without "act_"')
    .describe('The ad account, such as "act_1234567890".'),
  name: z
    .string()
    .min(1)
    .max(200)
    .describe('What the audience is called; one that is called so is taken as it is.'),
  description: z.string().default('').describe('What it is for; only of a new audience.'),
  customerFileSource: z
    .enum(['USER_PROVIDED_ONLY', 'PARTNER_PROVIDED_ONLY', 'BOTH_USER_AND_PARTNER_PROVIDED'])
    .default('USER_PROVIDED_ONLY')
    .describe('Where the contacts come from: from themselves, from partners, or both.'),
})
type CreateConfig = z.output<typeof audienceSchema>

const outputSchema = z.object({
  audienceId: z.string().describe('The audience’s id.'),
  name: z.string().describe('What it is called.'),
  isNew: z.boolean().describe('False: there was one of that name.'),
})

/**
 * `api.meta.createAudience`: an empty audience to upload contacts to. Meta would make a second one of the same name, so
 * the block looks first, which makes it safe to repeat.
 */
export function createAudienceBlock({ client }: { client: MetaClient }): Block {
  return defineBlock({
    type: 'api.meta.createAudience',
    name: 'Create a Meta audience',
    description: 'Gives a custom audience of an ad account by its name, and creates it where there is none.',
    icon: 'users',
    effect: 'external',
    repeat: 'safe',
    secrets: ['meta'],
    config: audienceSchema,
    output: outputSchema,
    retry: PROVIDER_RETRY,
    sample: { audienceId: '6008000000000', name: 'Newsletter buyers', isNew: true },
    sampleFor: ({ config, random }) => ({
      audienceId: `60080${String(Math.floor(random() * 1e8)).padStart(8, '0')}`,
      name: config.name,
      isNew: true,
    }),
    estimate: () => ({ durationMs: 1_500, costUsd: 0 }),
    async run(context: BlockContext<CreateConfig>) {
      return completed(await findOrCreateAudience(client, context.config, context))
    },
  })
}

/** The audience of that name, made where there is none. */
export async function findOrCreateAudience(
  client: Pick<MetaClient, 'findAudience' | 'createAudience'>,
  config: CreateConfig,
  {
    secrets,
    signal,
    clock,
    answers,
    log,
  }: Pick<BlockContext, 'secrets' | 'signal' | 'clock' | 'answers' | 'log'>,
): Promise<z.output<typeof outputSchema>> {
  const { name, description, customerFileSource } = config
  const accountId = config.accountId.replace('act_', '')
  const caller = { credential: secrets.get('meta'), signal, clock, answers }
  const known = await client.findAudience(accountId, name, caller)
  if (known !== null) {
    log.info(`There is an audience "${name}" already`, { audienceId: known })
    return { audienceId: known, name, isNew: false }
  }
  const body = { name, subtype: 'CUSTOM', description, customer_file_source: customerFileSource }
  return { audienceId: await client.createAudience(accountId, body, caller), name, isNew: true }
}
