import { afterAll, describe, expect, it } from '@jest/globals'
import { z } from 'zod'
import type { Block } from '../../../../src/engine/block/block.ts'
import type { Json, JsonObject } from '../../../../src/lib/json/json.ts'
import { providerWorld } from '../../../support/providers/provider-world.ts'

const world = providerWorld({})
afterAll(() => world.close())

/** A random number that is the same for the same seed (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function fieldsWithoutDescription(schema: z.ZodType): string[] {
  const { properties = {} } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
  return Object.entries(properties).flatMap(([name, field]) =>
    typeof field === 'object' && field.description ? [] : [name],
  )
}

describe.each(world.blocks.map((block) => [block.type, block] as const))('%s', (_, block) => {
  it('describes itself and every field of its config and output', () => {
    expect(block.description).toMatch(/\.$/)
    expect(fieldsWithoutDescription(block.config)).toEqual([])
    expect(fieldsWithoutDescription(block.output)).toEqual([])
  })

  it('has an icon of the Lucide set, reaches out, and reads the secret of its provider', () => {
    expect(block.icon).toMatch(/^[a-z]+(-[a-z0-9]+)*$/)
    expect(block.icon).not.toBe('plug')
    expect(block.effect).toBe('external')
    expect(block.secrets.length).toBeGreaterThan(0)
  })

  it('has a sample that fits its output', () => {
    expect(block.output.safeParse(block.sample).error).toBeUndefined()
  })
})

it('what costs money and takes no idempotency key is never simply repeated', () => {
  const paid = world.blocks.filter(({ repeat }) => repeat === 'never').map(({ type }) => type)
  expect(paid).toEqual(
    expect.arrayContaining([
      'api.apify.runActor',
      'api.apollo.searchOrganizations',
      'api.apollo.enrichPerson',
      'api.apollo.enrichPeople',
    ]),
  )
  expect(paid.filter((type) => type.startsWith('api.hunter.'))).toEqual([])
})

describe('the sample of a call', () => {
  const sampleOf = (type: string, config: JsonObject, seed = 1): Json => {
    const { sampleFor, config: schema, output }: Block = world.block(type)
    if (!sampleFor) throw new Error(`${type} has no sample for a call`)
    const sample = sampleFor({ config: schema.parse(config), input: null, random: seeded(seed) })
    expect(output.parse(sample)).toEqual(sample)
    return sample
  }
  const list = (sample: Json, field: string) => (sample as JsonObject)[field] as JsonObject[]
  const CALLS = [
    ['api.apify.runActor', { preset: 'instagram.posts', targets: ['@acme', 'bob'], resultsPerTarget: 3 }],
    ['api.apify.runActor', { preset: 'instagram.comments', targets: ['C9abc'] }],
    ['api.apify.runActor', { preset: 'instagram.profiles', targets: ['acme'] }],
    ['api.apify.runActor', { actor: 'acme/scraper' }],
    ['api.apify.readDataset', { datasetId: 'd1' }],
    ['api.apollo.searchPeople', { titles: ['CTO'] }],
    ['api.apollo.searchOrganizations', { organizationDomains: ['acme.test'] }],
    ['api.apollo.enrichPerson', { name: 'Dana Rosen', domain: 'acme.test' }],
    ['api.apollo.enrichPeople', { people: [{ email: 'dana@acme.test' }, { id: 'p1' }] }],
    ['api.hunter.findEmail', { domain: 'acme.test', fullName: 'Dana Rosen' }],
    ['api.hunter.verifyEmail', { email: 'dana@acme.test' }],
    ['api.hunter.searchDomain', { domain: 'acme.test' }],
  ] as const

  it.each(CALLS)('of %s with %j fits its output and is the same for the same seed', (type, config) => {
    expect(sampleOf(type, config, 7)).toEqual(sampleOf(type, config, 7))
    const others = [1, 2, 3, 4].map((seed) => JSON.stringify(sampleOf(type, config, seed)))
    expect(new Set(others).size).toBeGreaterThan(1)
  })

  it('of a scraper has as many posts as asked for, of the profiles asked for', () => {
    const [[type, config]] = CALLS
    const owners = list(sampleOf(type, config), 'items').map((item) => item['ownerUsername'])
    expect(owners).toEqual(['acme', 'acme', 'acme', 'bob', 'bob', 'bob'])
  })

  it('of an enrichment has one person for each, with what was known of them', () => {
    const people: JsonObject[] = [{ email: 'dana@acme.test' }, { id: 'p1', name: 'Ann Lee' }, {}]
    const found = list(sampleOf('api.apollo.enrichPeople', { people }), 'people')
    expect(found).toHaveLength(3)
    expect(found[0]).toMatchObject({ email: 'dana@acme.test', first_name: 'Dana' })
    expect(found[1]).toMatchObject({ id: 'p1', name: 'Ann Lee' })
  })

  it('of an address is made of the name and domain', () => {
    const config = { domain: 'acme.test', firstName: 'Dána', lastName: 'Rosen' }
    expect(sampleOf('api.hunter.findEmail', config)).toMatchObject({ email: 'dana.rosen@acme.test' })
  })

  it('of nobody is empty', () => {
    expect(sampleOf('api.apollo.enrichPeople', { people: [] })).toEqual({ people: [], found: 0 })
  })
})

describe('what a call is thought to cost', () => {
  const estimateOf = (type: string, config: JsonObject) => {
    const { estimate, config: schema } = world.block(type)
    return estimate?.({ config: schema.parse(config), input: null, random: () => 0.5 })
  }

  it('grows with the results of a preset, up to the limit set', () => {
    const config = { preset: 'instagram.posts', targets: ['a', 'b'], resultsPerTarget: 500 }
    expect(estimateOf('api.apify.runActor', config)).toMatchObject({ costUsd: 2.3 })
    expect(estimateOf('api.apify.runActor', { ...config, maxCostUsd: 1 })).toMatchObject({ costUsd: 1 })
  })

  it('is not said where nobody knows', () => {
    expect(estimateOf('api.apify.runActor', { actor: 'acme/scraper' })).not.toHaveProperty('costUsd')
    expect(estimateOf('api.apollo.enrichPerson', { id: 'p1' })).not.toHaveProperty('costUsd')
  })
})
