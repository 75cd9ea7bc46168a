import { z } from 'zod'
import { completed, defineBlock, type Block, type BlockContext } from '../../../engine/block/index.ts'
import type { Json, JsonObject } from '../../../lib/json/index.ts'
import { PROVIDER_RETRY, wholeBelow } from '../shared/index.ts'
import type { HunterClient } from './hunter-client.ts'
import { sampleAddress } from './sample.ts'

const configSchema = z
  .strictObject({
    domain: z.string().nullish().describe('The domain of the employer, such as "acme.com".'),
    company: z.string().nullish().describe('The name of the employer, where the domain is not known.'),
    firstName: z.string().nullish().describe('The first name.'),
    lastName: z.string().nullish().describe('The last name.'),
    fullName: z.string().nullish().describe('The whole name, where first and last name are not known apart.'),
    linkedinHandle: z.string().nullish().describe('The end of the URL of their LinkedIn page.'),
    maxDurationSecs: z
      .int()
      .min(3)
      .max(20)
      .default(10)
      .describe('How long Hunter may search, in seconds: longer finds more.'),
  })
  .superRefine(({ domain, company, firstName, lastName, fullName, linkedinHandle }, context) => {
    const complain = (path: string, message: string) =>
      context.addIssue({ code: 'custom', message, path: [path] })
    if (linkedinHandle) return
    if (!domain && !company) complain('domain', 'is required, or a company, or a linkedinHandle')
    if (!fullName && !(firstName && lastName))
      complain('fullName', 'is required, or firstName and lastName, or a linkedinHandle')
  })
type FindConfig = z.output<typeof configSchema>

const outputSchema = z.object({
  found: z.boolean().describe('Whether Hunter knows or guesses an address.'),
  email: z.string().nullable().describe('The address; null when there is none.'),
  score: z.number().nullable().describe('How sure Hunter is, from 0 to 100.'),
  optedOut: z
    .boolean()
    .describe('Whether the person has asked Hunter not to process their data: nothing of them may be kept.'),
  details: z
    .record(z.string(), z.json())
    .nullable()
    .describe('The rest in Hunter’s words: position, company, linkedin_url, verification…'),
})

/** `api.hunter.findEmail`: the same lookup again is free for a month, so it may be repeated. */
export function findEmailBlock({ client }: { client: HunterClient }): Block {
  return defineBlock({
    type: 'api.hunter.findEmail',
    name: 'Find an e-mail address with Hunter',
    description:
      'Finds the professional e-mail address of a person by name and employer. Costs a credit when found.',
    icon: 'at-sign',
    effect: 'external',
    repeat: 'safe',
    secrets: ['hunter'],
    config: configSchema,
    output: outputSchema,
    retry: PROVIDER_RETRY,
    sample: sampleFind({ firstName: 'Dana', lastName: 'Rosen', domain: 'acme.example' }, () => 0.5),
    sampleFor: ({ config, random }) => sampleFind(config, random),
    estimate: ({ config }) => ({ durationMs: 500 * config.maxDurationSecs }),
    async run({ config, secrets, clock, signal, answers, usage }: BlockContext<FindConfig>) {
      const caller = { credential: secrets.get('hunter'), clock, signal, answers }
      const lookup = await client.findEmail(queryOf(config), caller)
      if (lookup.kind === 'optedOut')
        return completed({ found: false, email: null, score: null, optedOut: true, details: null })
      const { email = null, score = null, sources: _, ...details } = lookup.data
      if (email !== null) usage({ quantities: { hunterCredits: 1 } })
      return completed({ found: email !== null, email, score, optedOut: false, details })
    },
  })
}

function queryOf(config: FindConfig): Record<string, string | number | undefined> {
  const { domain, company, firstName, lastName, fullName, linkedinHandle, maxDurationSecs } = config
  const hasBothNames = Boolean(firstName && lastName)
  return {
    domain: domain || undefined,
    company: domain ? undefined : company || undefined,
    first_name: hasBothNames ? (firstName ?? undefined) : undefined,
    last_name: hasBothNames ? (lastName ?? undefined) : undefined,
    full_name: hasBothNames ? undefined : fullName || undefined,
    linkedin_handle: linkedinHandle || undefined,
    max_duration: maxDurationSecs,
  }
}

function sampleFind(config: Partial<FindConfig>, random: () => number): Json {
  const { fullName, firstName, lastName, domain, company } = config
  const name = [firstName, lastName].filter(Boolean).join(' ') || fullName || 'Dana Rosen'
  const email = sampleAddress({ name, domain, company })
  const details: JsonObject = {
    first_name: name.split(' ')[0] ?? name,
    last_name: name.split(' ').slice(1).join(' '),
    domain: email.split('@')[1] ?? '',
    company: company ?? null,
    position: 'Head of Growth',
    accept_all: false,
    verification: { date: '2027-01-10', status: 'valid' },
  }
  return { found: true, email, score: 70 + wholeBelow(30, random), optedOut: false, details }
}
