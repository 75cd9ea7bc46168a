import { z } from 'zod'
import { completed, defineBlock, type Block, type BlockContext } from '../../../engine/block/index.ts'
import type { Json, JsonObject } from '../../../lib/json/index.ts'
import { payOnce, PROVIDER_RETRY, type ProviderCaller } from '../shared/index.ts'
import type { ApolloClient } from './apollo-client.ts'
import { enrichOptions } from './enrich-options.ts'
import { apolloPerson, compactPerson, foundPersonSchema, personFields } from './person.ts'
import { samplePerson } from './sample.ts'

/** What Apollo takes in one call. */
const CHUNK_SIZE = 10

const configSchema = z.strictObject({
  people: z
    .array(z.object(personFields))
    .max(5_000)
    .describe(
      'Whom to find: objects with id, firstName, lastName, name, email, hashedEmail, organizationName, domain or linkedinUrl.',
    ),
  ...enrichOptions,
})
type EnrichConfig = z.output<typeof configSchema>
type Found = JsonObject | null

const outputSchema = z.object({
  people: z
    .array(foundPersonSchema)
    .describe('As many as were given, in their order; null for who was not found.'),
  found: z.int().describe('How many were found.'),
})

/**
 * `api.apollo.enrichPeople`: ten at a time. Each ten that were paid for are recorded, so that after a crash only those
 * are asked for that were not answered.
 */
export function enrichPeopleBlock({ client }: { client: ApolloClient }): Block {
  return defineBlock({
    type: 'api.apollo.enrichPeople',
    name: 'Enrich people with Apollo',
    description:
      'Finds many people with contact data, ten at a time. Costs a credit for each one found; nothing for the others.',
    icon: 'users-round',
    effect: 'external',
    repeat: 'never',
    secrets: ['apollo'],
    config: configSchema,
    output: outputSchema,
    retry: PROVIDER_RETRY,
    timeoutMs: 60 * 60_000,
    sample: summary([samplePerson({ firstName: 'Dana', domain: 'acme.example' }, () => 0.5), null]),
    sampleFor: ({ config, random }) => summary(config.people.map((wish) => samplePerson(wish, random))),
    estimate: ({ config }) => ({ durationMs: 2_500 * Math.ceil(config.people.length / CHUNK_SIZE) }),
    async run(context: BlockContext<EnrichConfig>) {
      return completed(summary(await enrichPeople(client, context.config, context)))
    },
  })
}

type Recorder = Pick<
  BlockContext,
  'secrets' | 'clock' | 'signal' | 'answers' | 'progress' | 'usage' | 'checkpoints' | 'checkpoint'
>

/** As many as were given, in their order; null for who was not found. What was paid for is recorded ten by ten. */
export async function enrichPeople(
  client: Pick<ApolloClient, 'matchPeople'>,
  config: EnrichConfig,
  context: Recorder,
): Promise<readonly Found[]> {
  const { secrets, clock, signal, answers } = context
  const caller = { credential: secrets.get('apollo'), clock, signal, answers }
  const people: Found[] = config.people.map(() => null)
  // Those of whom nothing is known would spoil the call for the other nine.
  const wishes = config.people.flatMap((wish, index) => {
    const person = apolloPerson(wish)
    return person ? [{ index, person }] : []
  })
  for (let at = 0; at < wishes.length; at += CHUNK_SIZE) {
    const chunk = wishes.slice(at, at + CHUNK_SIZE)
    const matches = await matchChunk(
      client,
      { number: at / CHUNK_SIZE, people: chunk.map(({ person }) => person) },
      { config, context, caller },
    )
    chunk.forEach(({ index }, i) => (people[index] = matches[i] ?? null))
    const done = Math.min(wishes.length, at + CHUNK_SIZE)
    context.progress(done / wishes.length, `${done} of ${wishes.length} people asked for`)
  }
  return people
}

async function matchChunk(
  client: Pick<ApolloClient, 'matchPeople'>,
  chunk: { readonly number: number; readonly people: readonly JsonObject[] },
  { config, context, caller }: { config: EnrichConfig; context: Recorder; caller: ProviderCaller },
): Promise<readonly Found[]> {
  const matches = await payOnce(`chunk ${chunk.number}`, context, async () => {
    const { people, creditsConsumed } = await client.matchPeople(chunk.people, config, caller)
    context.usage({ quantities: { apolloCredits: creditsConsumed ?? people.filter(Boolean).length } })
    return config.full ? people : people.map((person) => person && compactPerson(person))
  })
  // What was recorded is what this very function gave.
  return matches as readonly Found[]
}

function summary(people: readonly Found[]): { people: Json; found: number } {
  return { people, found: people.filter((person) => person !== null).length }
}
