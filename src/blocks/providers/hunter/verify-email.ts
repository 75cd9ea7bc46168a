import { z } from 'zod'
import {
  BlockError,
  completed,
  defineBlock,
  type Block,
  type BlockContext,
} from '../../../engine/block/index.ts'
import type { Json } from '../../../lib/json/index.ts'
import { PROVIDER_RETRY, type ProviderCaller } from '../shared/index.ts'
import type { HunterClient, HunterLookup } from './hunter-client.ts'

const POLL_MS = 3_000
/** How long a step whose check went on too long leaves Hunter alone before it asks anew. */
const LATER_MS = 60_000
const CREDITS = 0.5

const configSchema = z.strictObject({
  email: z.email().describe('The address to check.'),
  patienceMs: z
    .int()
    .min(0)
    .max(240_000)
    .default(60_000)
    .describe('How long one attempt asks again while Hunter is still checking, in milliseconds.'),
})
type VerifyConfig = z.output<typeof configSchema>

const outputSchema = z.object({
  email: z.string().describe('The address.'),
  status: z
    .string()
    .nullable()
    .describe('valid, invalid, accept_all, webmail, disposable or unknown; null for who has opted out.'),
  score: z.number().nullable().describe('How deliverable it is, from 0 to 100.'),
  optedOut: z
    .boolean()
    .describe('Whether the person has asked Hunter not to process their data: nothing of them may be kept.'),
  details: z
    .record(z.string(), z.json())
    .nullable()
    .describe('The rest in Hunter’s words: mx_records, smtp_check, accept_all, disposable…'),
})

/** `api.hunter.verifyEmail`: a check that goes on is asked for again, which counts once. */
export function verifyEmailBlock({ client }: { client: HunterClient }): Block {
  return defineBlock({
    type: 'api.hunter.verifyEmail',
    name: 'Verify an e-mail address with Hunter',
    description: 'Tells whether mail to an address would arrive. Costs half a credit.',
    icon: 'mail-check',
    effect: 'external',
    repeat: 'safe',
    secrets: ['hunter'],
    config: configSchema,
    output: outputSchema,
    retry: PROVIDER_RETRY,
    sample: sampleCheck('dana@acme.example', () => 0.5),
    sampleFor: ({ config, random }) => sampleCheck(config.email, random),
    estimate: () => ({ durationMs: 5_000 }),
    async run(context: BlockContext<VerifyConfig>) {
      const { config, secrets, clock, signal, answers, usage } = context
      const caller = { credential: secrets.get('hunter'), clock, signal, answers }
      const check = await pollCheck(client, caller, context)
      usage({ quantities: { hunterCredits: CREDITS } })
      if (check.kind === 'optedOut') {
        return completed({ email: config.email, status: null, score: null, optedOut: true, details: null })
      }
      const { status = null, score = null, email: _, sources: __, ...details } = check.data
      return completed({ email: config.email, status, score, optedOut: false, details })
    },
  })
}

async function pollCheck(
  client: HunterClient,
  caller: ProviderCaller,
  { config: { email, patienceMs }, heartbeat }: BlockContext<VerifyConfig>,
): Promise<HunterLookup> {
  const { clock, signal } = caller
  const giveUpAt = clock.now() + patienceMs
  for (;;) {
    const check = await client.verifyEmail(email, caller)
    if (check.kind !== 'pending') return check
    heartbeat()
    if (clock.now() + POLL_MS > giveUpAt) throw stillChecking()
    await clock.wait(POLL_MS, signal)
  }
}

function stillChecking(): BlockError {
  return new BlockError('HUNTER_STILL_CHECKING', 'Hunter has not come to an end with the check yet.', {
    retryable: true,
    retryAfterMs: LATER_MS,
  })
}

function sampleCheck(email: string, random: () => number): Json {
  const isValid = random() < 0.85
  return {
    email,
    status: isValid ? 'valid' : 'accept_all',
    score: isValid ? 90 + Math.floor(random() * 11) : 60,
    optedOut: false,
    details: {
      regexp: true,
      gibberish: false,
      disposable: false,
      webmail: false,
      mx_records: true,
      smtp_server: true,
      smtp_check: isValid,
      accept_all: !isValid,
      block: false,
    },
  }
}
