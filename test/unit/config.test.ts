import { describe, expect, test } from '@jest/globals'
import { readEnvironment } from '../../src/config.ts'

const KEY = '0123456789abcdef0123456789abcdef'
const KEYS = { LUME_API_KEYS: `acme:ADMIN:${KEY}` }
const JWKS = {
  LUME_JWT_JWKS_URL: 'https://issuer.example/keys',
  LUME_JWT_ISSUER: 'https://issuer.example',
  LUME_JWT_AUDIENCE: 'lume',
}

function refusalOf(environment: Record<string, string>): string {
  try {
    readEnvironment(environment)
  } catch (fault) {
    return String(fault)
  }
  throw new Error('the environment was accepted')
}

describe('an address that others can reach', () => {
  test.each(['0.0.0.0', '::', '192.168.1.5', 'lume.example', '127.0.0.1.evil.example'])(
    '%s is refused without authentication, and the settings that allow it are named',
    (HOST) => {
      const told = refusalOf({ HOST })
      for (const name of ['LUME_API_KEYS', 'LUME_JWT_SECRET', 'LUME_JWT_JWKS_URL', 'docs/security.md']) {
        expect(told).toContain(name)
      }
    },
  )

  test.each([KEYS, JWKS, { LUME_JWT_SECRET: KEY }, { LUME_REQUIRE_AUTHENTICATION: 'yes' }])(
    'is allowed with %j',
    (environment) => {
      expect(readEnvironment({ HOST: '0.0.0.0', ...environment })).toMatchObject({ host: '0.0.0.0' })
    },
  )
})

test.each<[Record<string, string>, boolean]>([
  [{}, true],
  [{ NODE_ENV: 'production' }, false],
  [{ HOST: '0.0.0.0', ...KEYS }, false],
  [{ NODE_ENV: 'production', LUME_EXPLORABLE: 'yes' }, true],
  [{ HOST: '0.0.0.0', ...KEYS, LUME_EXPLORABLE: 'yes' }, true],
  [{ LUME_EXPLORABLE: 'no' }, false],
])('with %j the schema may be read: %p', (environment, isExplorable) => {
  expect(readEnvironment(environment).isExplorable).toBe(isExplorable)
})

test('without settings nobody is asked for a credential, and the rest is left to the server', () => {
  expect(readEnvironment({})).toMatchObject({
    authentication: { keys: [], jwt: null, isRequired: false },
    corsOrigins: [],
    requestsPerMinute: undefined,
    maxSubscriptions: undefined,
    persistedDocuments: undefined,
    hasOpenMetrics: undefined,
  })
})

test('tokens are checked as the settings say', () => {
  const environment = {
    ...JWKS,
    LUME_JWT_OWNER_CLAIM: 'org_id',
    LUME_JWT_ROLE_CLAIM: 'app.role',
    LUME_JWT_DEFAULT_ROLE: 'EDITOR',
  }
  expect(readEnvironment(environment).authentication.jwt).toEqual({
    key: { kind: 'jwks', url: JWKS.LUME_JWT_JWKS_URL },
    issuer: JWKS.LUME_JWT_ISSUER,
    audience: 'lume',
    ownerClaim: 'org_id',
    roleClaim: 'app.role',
    defaultRole: 'EDITOR',
  })
})

test.each<[string, Record<string, string>]>([
  ['LUME_JWT_SECRET', { LUME_JWT_SECRET: 'hunter2' }],
  ['exclude each other', { ...JWKS, LUME_JWT_SECRET: KEY }],
  ['LUME_JWT_AUDIENCE', { LUME_JWT_JWKS_URL: JWKS.LUME_JWT_JWKS_URL, LUME_JWT_ISSUER: 'x' }],
  ['LUME_JWT_JWKS_URL', { ...JWKS, LUME_JWT_JWKS_URL: 'http://issuer.example/keys' }],
  ['LUME_JWT_JWKS_URL', { ...JWKS, LUME_JWT_JWKS_URL: 'file:///etc/passwd' }],
  ['LUME_JWT_DEFAULT_ROLE', { ...JWKS, LUME_JWT_DEFAULT_ROLE: 'ROOT' }],
  ['LUME_API_KEYS', { LUME_API_KEYS: 'acme:ADMIN:hunter2' }],
  ['LUME_CORS_ORIGINS', { LUME_CORS_ORIGINS: '*' }],
  ['LUME_CORS_ORIGINS', { LUME_CORS_ORIGINS: 'https://app.example.com/' }],
  ['LUME_RATE_LIMIT', { LUME_RATE_LIMIT: 'many' }],
  ['LUME_MAX_SUBSCRIPTIONS', { LUME_MAX_SUBSCRIPTIONS: '0' }],
  ['LUME_MAX_CONNECTIONS', { LUME_MAX_CONNECTIONS: '0' }],
  ['LUME_MAX_CONNECTIONS_PER_ADDRESS', { LUME_MAX_CONNECTIONS_PER_ADDRESS: 'all' }],
  ['LUME_MAX_WEBSOCKETS', { LUME_MAX_WEBSOCKETS: '0' }],
  ['LUME_METRICS', { LUME_METRICS: 'yes' }],
  ['LUME_REQUIRE_AUTHENTICATION', { LUME_REQUIRE_AUTHENTICATION: '1' }],
  ['LUME_ROLE', { LUME_ROLE: 'boss' }],
])('what cannot be used is refused under its name, and no secret is told: %s', (name, environment) => {
  const told = refusalOf(environment)
  expect(told).toContain(name)
  expect(told).not.toContain('hunter2')
  expect(told).not.toContain(KEY)
})
describe('LUME_MAX_NODES', () => {
  test.each([
    [undefined, 2_000],
    ['', 2_000],
    ['1', 1],
    ['10000', 10_000],
  ])('%j allows definitions of %d nodes', (value, expected) => {
    expect(readEnvironment({ LUME_MAX_NODES: value }).lume.maxDefinitionNodes).toBe(expected)
  })

  test.each(['0', '10001', 'many', '1e3'])('%j is refused by name', (value) => {
    expect(() => readEnvironment({ LUME_MAX_NODES: value })).toThrow('LUME_MAX_NODES')
  })
})

describe('the sharing of places', () => {
  const KEYS = { LUME_API_KEYS: `acme:ADMIN:${'k'.repeat(40)}` }

  test.each<[string, Record<string, string>, number]>([
    ['without authentication one owner may hold all places', {}, 100],
    ['with authentication one owner may hold 90 percent of the places', KEYS, 90],
    [
      'a worker process, which may not have the settings of its API, keeps places free, too',
      { LUME_ROLE: 'worker' },
      90,
    ],
    ['a setting wins over the default', { ...KEYS, LUME_OWNER_PLACES_PERCENT: '75' }, 75],
  ])('%s', (_, environment, expected) => {
    expect(readEnvironment(environment).lume.ownerPlacesPercent).toBe(expected)
  })

  test('owners have the weights that the settings name', () => {
    expect(readEnvironment({ LUME_OWNER_WEIGHTS: 'acme:3, org:7:2' }).lume.ownerWeights).toEqual({
      acme: 3,
      'org:7': 2,
    })
    expect(readEnvironment({}).lume.ownerWeights).toEqual({})
  })

  test.each<[string, string]>([
    ['LUME_OWNER_PLACES_PERCENT', '0'],
    ['LUME_OWNER_PLACES_PERCENT', '101'],
    ['LUME_OWNER_WEIGHTS', 'acme'],
    ['LUME_OWNER_WEIGHTS', 'acme:0'],
    ['LUME_OWNER_WEIGHTS', 'acme:101'],
    ['LUME_OWNER_WEIGHTS', 'acme:1.5'],
  ])('%s=%s is refused by name', (name, value) => {
    expect(() => readEnvironment({ [name]: value })).toThrow(name)
  })
})
