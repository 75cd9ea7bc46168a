import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { newSecretKeyText } from '../../src/access/secret-cipher.ts'
import { Closers } from '../../src/lib/async/closers.ts'
import { graphql } from '../gql/index.ts'
import { createGraphqlClient } from '../support/graphql-client.ts'
import { startServerProcess, type ServerProcess } from '../support/server-process.ts'
import { writingsIn } from '../support/writings.ts'

const VALUE = 'sk-live-0e6f44a47a05f1dad2ad7e88'
const GIVEN = 'apify_api_4Vt0Zr3kQ9xw'

const SECRETS = graphql(`
  query SecretsOfProcess {
    secrets {
      name
      source
    }
  }
`)

const SET_SECRET = graphql(`
  mutation SetSecretOfProcess($input: SetSecretInput!) {
    setSecret(input: $input) {
      __typename
    }
  }
`)

let closers: Closers
let dataDir: string

beforeEach(async () => {
  closers = new Closers()
  dataDir = await mkdtemp(join(tmpdir(), 'lume-secrets-'))
  closers.add(() => rm(dataDir, { recursive: true, force: true }))
})
afterEach(() => closers.close())

async function start(environment: Record<string, string> = {}): Promise<ServerProcess> {
  const server = await startServerProcess({ LUME_DATA_DIR: dataDir, LUME_LOG_LEVEL: 'debug', ...environment })
  closers.add(() => server.kill())
  return server
}

test('without any setting a secret can be stored, outlives the process, and is nowhere on the disk (P7)', async () => {
  const first = await start({ APIFY_API_KEY: GIVEN })
  const stripe = { name: 'stripe', value: VALUE }
  expect(await clientOf(first).ask(SET_SECRET, { input: stripe })).toEqual({
    setSecret: { __typename: 'SetSecretPayload' },
  })
  const both = [
    { name: 'apify', source: 'ENVIRONMENT' },
    { name: 'stripe', source: 'STORED' },
  ]
  expect(await clientOf(first).ask(SECRETS, {})).toEqual({ secrets: both })
  expect(await first.stop()).toBe(0)
  expect((await stat(join(dataDir, 'secret.key'))).mode & 0o777).toBe(0o600)
  const recorded = first.output() + (await contentsOf(dataDir))
  expect(recorded).toContain('stripe') // a value in clear would be seen as well
  for (const value of [VALUE, GIVEN]) expect(writingsIn(recorded, value)).toEqual([])

  // A key of one's own takes over what was stored under the folder's.
  const second = await start({ LUME_SECRET_KEY: newSecretKeyText() })
  expect(await clientOf(second).ask(SECRETS, {})).toEqual({ secrets: [{ name: 'stripe', source: 'STORED' }] })
  expect(await second.stop()).toBe(0)
  expect(second.output()).toContain('"renewed":1')
}, 60_000)

const clientOf = ({ url }: ServerProcess) => createGraphqlClient(url)

async function contentsOf(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  expect(files.length).toBeGreaterThan(100)
  const contents = await Promise.all(
    files.map((file) => readFile(join(file.parentPath, file.name), 'latin1')),
  )
  return contents.join('\n')
}
