import { describe, expect, it } from '@jest/globals'
import { providerOrigins } from '../../src/blocks/providers/shared/provider-settings.ts'
import { lumeConfigSchema, readEnvironment } from '../../src/config.ts'

const providersOf = (environment: NodeJS.ProcessEnv) => readEnvironment(environment).lume.providers

describe('where providers are reached', () => {
  it('is where they really are, unless the environment says otherwise', () => {
    expect(providersOf({ HUNTER_BASE_URL: 'http://127.0.0.1:4010/v2/', APOLLO_BASE_URL: '' })).toMatchObject({
      apify: { baseUrl: 'https://api.apify.com' },
      apollo: { baseUrl: 'https://api.apollo.io/api/v1' },
      hunter: { baseUrl: 'http://127.0.0.1:4010/v2' },
    })
  })

  it('is given to a library in part', () => {
    const { providers } = lumeConfigSchema.parse({ providers: { apify: { baseUrl: 'http://localhost:1' } } })
    expect(providers).toMatchObject({
      apify: { baseUrl: 'http://localhost:1' },
      hunter: { baseUrl: 'https://api.hunter.io/v2' },
    })
  })

  it.each([
    'api.apify.com',
    'ftp://a.example',
    'https://user:pw@a.example',
    'https://a.example/?key=1',
    'https://a.example/#x',
  ])('cannot be %s, and the variable is named', (url) => {
    expect(() => providersOf({ APIFY_BASE_URL: url })).toThrow(/APIFY_BASE_URL: /)
  })

  it('opens exactly these origins', () => {
    const { providers } = lumeConfigSchema.parse({
      providers: { apify: { baseUrl: 'http://127.0.0.1:9/x' } },
    })
    const origins = providerOrigins(providers)
    expect(origins).toContain('http://127.0.0.1:9')
    expect(origins).toContain('https://api.hunter.io')
    expect(origins).toHaveLength(Object.keys(providers).length)
  })
})
