import { describe, expect, test } from '@jest/globals'
import { newSecretKeyText } from '../../../src/access/secret-cipher.ts'
import { readEnvironment } from '../../../src/config.ts'
import { messageOf } from '../../../src/lib/errors.ts'

const read = (environment: NodeJS.ProcessEnv) => readEnvironment(environment).lume

describe('secrets of the environment', () => {
  test('are known by the names that today’s users have set', () => {
    const variables = [
      ['OPENROUTER_API_KEY', 'openrouter'],
      ['APOLLO_API_KEY', 'apollo'],
      ['HUNTER_API_KEY', 'hunter'],
      ['MIXEDBREAD_API_KEY', 'mixedbread'],
      ['APIFY_API_KEY', 'apify'],
      ['META_ACCESS_TOKEN', 'meta'],
      ['NEXT_PUBLIC_SUPABASE_URL', 'supabaseUrl'],
      ['NEXT_PUBLIC_SUPABASE_ANON_KEY', 'supabaseAnonKey'],
    ]
    const given = Object.fromEntries(variables.map(([variable]) => [variable, `value of ${variable}`]))
    expect(read({ ...given, OTHER_API_KEY: 'not ours, not read' }).secrets).toEqual(
      Object.fromEntries(variables.map(([variable, name]) => [name, `value of ${variable}`])),
    )
  })

  test('may have names of one’s own, which win; the encryption key is none', () => {
    const { secrets } = read({
      LUME_SECRET_stripeKey: ' sk_live_12345678\n',
      LUME_SECRET_apollo: 'apollo-two',
      APOLLO_API_KEY: 'apollo-one',
      LUME_SECRET_KEY: newSecretKeyText(),
      HUNTER_API_KEY: '',
    })
    expect(secrets).toEqual({ stripeKey: 'sk_live_12345678', apollo: 'apollo-two' })
  })

  test('that cannot be used stop the start, named and not quoted', () => {
    const environment = {
      LUME_SECRET_short: 'abc-123',
      'LUME_SECRET_no-name': 'long-enough',
      APIFY_API_KEY: 'x'.repeat(8_193),
      LUME_SECRET_KEY: 'no key of 32 bytes',
    }
    try {
      read(environment)
      throw new Error('it started')
    } catch (thrown) {
      const message = messageOf(thrown)
      for (const [variable, value] of Object.entries(environment)) {
        expect(message).toContain(`${variable}: `)
        expect(message).not.toContain(value)
      }
    }
  })

  test('belong to the local user, and to the owners that are named', () => {
    expect(read({}).secretOwners).toEqual(['local'])
    expect(read({ LUME_ENV_SECRETS_OWNERS: 'ada, bob' }).secretOwners).toEqual(['local', 'ada', 'bob'])
  })

  test('the encryption keys are a list, newest first', () => {
    const [newest, older] = [newSecretKeyText(), newSecretKeyText()]
    expect(read({ LUME_SECRET_KEY: `${newest}, ${older}` }).secretKeys).toEqual([newest, older])
  })
})
