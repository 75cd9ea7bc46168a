import { describe, expect, test } from '@jest/globals'
import { readEnvironment } from '../../src/config.ts'

function warningOf(environment: Record<string, string>): string | undefined {
  const { warnings } = readEnvironment(environment)
  expect(warnings.length).toBeLessThanOrEqual(1)
  return warnings[0]
}

describe('environment variables that begin with LUME_ and that no setting reads', () => {
  test.each([
    ['LUME_CONCURENCY', 'LUME_CONCURRENCY'],
    ['LUME_LEASE', 'LUME_LEASE_MS'],
    ['LUME_DATADIR', 'LUME_DATA_DIR'],
    ['LUME_PORT', 'PORT'],
    ['LUME_HOST', 'HOST'],
    ['LUME_DATABASE_URL', 'DATABASE_URL'],
    ['LUME_DATABSE_URL', 'DATABASE_URL'],
    ['LUME_OPENROUTER_API_KEY', 'OPENROUTER_API_KEY'],
    ['LUME_APIFY_BASE_URL', 'APIFY_BASE_URL'],
    ['lume_role', 'LUME_ROLE'],
    ['LUME_SECRETS_stripe', 'LUME_SECRET_stripe'],
  ])('%s is named at start, with the suggestion %s', (name, suggestion) => {
    expect(warningOf({ [name]: 'x' })).toBe(
      `no setting of Lume reads these environment variables: ${name} (did you mean ${suggestion}?)`,
    )
  })

  test('are named in one line, without their values, and without a suggestion where none is near', () => {
    const warning = warningOf({ LUME_ROEL: 'hunter2', LUME_QUANTUM_FLUX: 'hunter2', LUME_ROLE: 'api' })
    expect(warning).toBe(
      'no setting of Lume reads these environment variables: LUME_ROEL (did you mean LUME_ROLE?), LUME_QUANTUM_FLUX',
    )
  })

  test('are counted beyond the first twenty, and long names are shortened', () => {
    const names = Array.from({ length: 500 }, (_, i) => `LUME_${'X'.repeat(3_000)}${i}`)
    const warning = warningOf(Object.fromEntries(names.map((name) => [name, '1']))) ?? ''
    expect(warning).toMatch(/ and 480 more$/)
    expect(warning.length).toBeLessThan(20 * 100)
  })

  test.each([
    [
      'secrets, and the hosts of secrets',
      { LUME_SECRET_stripe: 'x'.repeat(8), LUME_SECRET_stripe_HOSTS: 'api.stripe.com' },
    ],
    ['settings', { LUME_ROLE: 'api', DATABASE_URL: 'postgres://localhost/x', NODE_ENV: 'production' }],
    ['empty variables', { LUME_NONSENSE: '' }],
    [
      'what Kubernetes sets for a service named lume',
      {
        LUME_SERVICE_HOST: '10.0.0.1',
        LUME_SERVICE_PORT: '4000',
        LUME_SERVICE_PORT_HTTP: '4000',
        LUME_PORT: 'tcp://10.0.0.1:4000',
        LUME_PORT_4000_TCP: 'tcp://10.0.0.1:4000',
        LUME_PORT_4000_TCP_ADDR: '10.0.0.1',
        LUME_API_PORT: 'tcp://10.0.0.1:4000',
      },
    ],
    ['variables of other programs', { LUMEN_ENV: 'x', PATH: '/bin' }],
  ])('do not include %s', (_, environment: Record<string, string>) => {
    expect(warningOf(environment)).toBeUndefined()
  })
})
