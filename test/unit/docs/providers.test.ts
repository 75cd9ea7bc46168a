import { readFile } from 'node:fs/promises'
import { expect, test } from '@jest/globals'
import { FAILURE_KINDS, providerError } from '../../../src/blocks/providers/shared/provider-error.ts'

test('every error of a provider stands in the docs, with whether it is tried again', async () => {
  const page = await readFile('docs/providers.md', 'utf8')
  for (const kind of FAILURE_KINDS) {
    const facts = { provider: 'Acme', failure: { kind, message: 'no' }, status: 400, credential: 'key' }
    const { code, retryable } = providerError({ ...facts, isRepeatable: true })
    expect(page).toContain(`| \`${code}\` | ${retryable ? 'yes' : 'no'} |`)
  }
})
