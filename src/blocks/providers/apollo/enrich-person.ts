import { z } from 'zod'
import {
  BlockError,
  completed,
  defineBlock,
  type Block,
  type BlockContext,
} from '../../../engine/block/index.ts'
import { PROVIDER_RETRY } from '../shared/index.ts'
import type { ApolloClient } from './apollo-client.ts'
import { enrichOptions } from './enrich-options.ts'
import { apolloPerson, compactPerson, foundPersonSchema, personFields } from './person.ts'
import { samplePerson } from './sample.ts'

const configSchema = z.strictObject({ ...personFields, ...enrichOptions })
type EnrichConfig = z.output<typeof configSchema>

/** `api.apollo.enrichPerson`: a person found costs a credit, and Apollo takes no idempotency key. */
export function enrichPersonBlock({ client }: { client: ApolloClient }): Block {
  return defineBlock({
    type: 'api.apollo.enrichPerson',
    name: 'Enrich a person with Apollo',
    description:
      'Finds one person by name and employer, e-mail address, LinkedIn page or Apollo id, with contact data. Costs a credit when found.',
    icon: 'user-search',
    effect: 'external',
    repeat: 'never',
    secrets: ['apollo'],
    config: configSchema,
    output: z.object({
      found: z.boolean().describe('Whether Apollo knows the person.'),
      person: foundPersonSchema,
    }),
    retry: PROVIDER_RETRY,
    sample: { found: true, person: samplePerson({ firstName: 'Dana', domain: 'acme.example' }, () => 0.5) },
    sampleFor: ({ config, random }) => ({ found: true, person: samplePerson(config, random) }),
    estimate: () => ({ durationMs: 2_000 }),
    async run({ config, secrets, clock, signal, answers, usage }: BlockContext<EnrichConfig>) {
      const wish = apolloPerson(config)
      if (!wish)
        throw new BlockError('APOLLO_PERSON_UNNAMED', 'Nothing is given by which the person could be found.')
      const caller = { credential: secrets.get('apollo'), clock, signal, answers }
      const person = await client.matchPerson(wish, config, caller)
      if (person) usage({ quantities: { apolloCredits: 1 } })
      const shown = person && !config.full ? compactPerson(person) : person
      return completed({ found: person !== null, person: shown })
    },
  })
}
