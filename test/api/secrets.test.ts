import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { pino } from 'pino'
import { z } from 'zod'
import { newSecretKeyText } from '../../src/access/secret-cipher.ts'
import { createLume, type Lume } from '../../src/app.ts'
import type { LumeConfig } from '../../src/config.ts'
import { BlockError, completed } from '../../src/engine/block/block.ts'
import { defineBlock } from '../../src/engine/block/define-block.ts'
import { startServer } from '../../src/http/server.ts'
import { Closers } from '../../src/lib/async/closers.ts'
import type { SetSecretMutationVariables } from '../gql/graphql.ts'
import { graphql } from '../gql/index.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { createGraphqlClient, type GraphqlClient } from '../support/graphql-client.ts'
import { openWebSocket } from '../support/web-socket-client.ts'
import { writingsIn } from '../support/writings.ts'

const SET = graphql(`
  mutation SetSecret($input: SetSecretInput!) {
    setSecret(input: $input) {
      __typename
      ... on SetSecretPayload {
        secret {
          name
          source
          updatedAt
        }
      }
      ... on Error {
        code
        message
        path
      }
    }
  }
`)

const SET_BY_PARTS = graphql(`
  mutation SetSecretByParts($name: String!, $value: String!) {
    setSecret(input: { name: $name, value: $value }) {
      __typename
    }
  }
`)

const DELETE = graphql(`
  mutation DeleteSecret($input: DeleteSecretInput!) {
    deleteSecret(input: $input) {
      __typename
      ... on DeleteSecretPayload {
        deletedName
      }
      ... on Error {
        code
        message
        path
      }
    }
  }
`)

const LIST = graphql(`
  query ListSecrets {
    secrets {
      name
      source
      updatedAt
    }
  }
`)

const VALUE = 'sk-live/"ä+b&c\\d e?f'

interface SecretsServer {
  readonly client: GraphqlClient
  readonly url: string
  readonly lume: Lume
  /** All that was logged so far. */
  readonly log: readonly string[]
  stop(): Promise<void>
}

/** Tells what it was given in every way that a block has, then gives it back or fails of it. */
const echo = defineBlock({
  type: 'test.echo',
  name: 'Echo',
  description: 'Gives away its secret.',
  effect: 'external',
  secrets: ['stripe'],
  config: z.object({ key: z.string(), fails: z.boolean() }),
  output: z.unknown(),
  sample: null,
  async run({ config, secrets, log, progress, checkpoint, stream, usage }) {
    const told = `${config.key} ${secrets.get('stripe')} ${Buffer.from(`user:${config.key}`).toString('base64')}`
    log.info(told, { [told]: told })
    progress(0.5, told)
    await checkpoint('told', told)
    stream(told)
    usage({ costUsd: 0.01, quantities: { [told]: 1 } })
    if (config.fails) throw new BlockError('ECHO', told, { details: { told } })
    return completed({ told, length: config.key.length })
  },
})

/** A server that logs all that it ever logs. */
async function startSecretsServer(
  database: TestDatabase,
  config: Partial<LumeConfig>,
): Promise<SecretsServer> {
  const closers = new Closers()
  const log: string[] = []
  const logger = pino({ level: 'trace' }, { write: (line) => void log.push(line) })
  const lume = await createLume({ databaseUrl: database.url, ...config }, { logger, blocks: [echo] })
  closers.add(() => lume.close())
  const server = await startServer({ lume, port: 0, isExplorable: true })
  closers.add(() => server.close())
  return { lume, client: createGraphqlClient(server.url), url: server.url, log, stop: () => closers.close() }
}

let database: TestDatabase
let server: SecretsServer

beforeAll(async () => {
  database = await createTestDatabase()
  server = await startSecretsServer(database, {
    secrets: { apollo: 'apollo-from-outside' },
    secretKeys: [newSecretKeyText()],
  })
})

afterAll(async () => {
  await server.stop()
  await database.drop()
})

const set = async (input: { name: string; value: string }) =>
  (await server.client.ask(SET, { input })).setSecret
const remove = async (name: string) => (await server.client.ask(DELETE, { input: { name } })).deleteSecret
const list = async () => (await server.client.ask(LIST, {})).secrets

describe('secrets', () => {
  test('are set, listed by name and source, replaced and deleted', async () => {
    const environment = { name: 'apollo', source: 'ENVIRONMENT', updatedAt: null }
    const stored = { name: 'stripe', source: 'STORED', updatedAt: expect.any(String) }
    expect(await list()).toEqual([environment])
    expect(await set({ name: 'stripe', value: VALUE })).toEqual({
      __typename: 'SetSecretPayload',
      secret: stored,
    })
    expect(await set({ name: 'stripe', value: `${VALUE}2` })).toMatchObject({
      __typename: 'SetSecretPayload',
    })
    expect(await list()).toEqual([environment, stored])
    expect(await remove('stripe')).toEqual({ __typename: 'DeleteSecretPayload', deletedName: 'stripe' })
    expect(await list()).toEqual([environment])
  })

  test('of the environment are overruled by a stored one, and cannot be deleted', async () => {
    await set({ name: 'apollo', value: VALUE })
    expect(await list()).toEqual([{ name: 'apollo', source: 'STORED', updatedAt: expect.any(String) }])
    expect(await remove('apollo')).toMatchObject({ __typename: 'DeleteSecretPayload' })
    expect(await remove('apollo')).toEqual({
      __typename: 'NotFound',
      code: 'NOT_FOUND',
      message: 'There is no such stored secret.',
      path: ['input', 'name'],
    })
  })

  test.each([
    ['name', { name: 'no-name', value: VALUE }],
    ['value', { name: 'short', value: 'abc-123' }],
    ['value', { name: 'long', value: 'x'.repeat(8_193) }],
    ['value', { name: 'nul', value: 'abcdefgh\u0000' }],
  ])('with a %s that cannot be used are refused without a quote', async (argument, input) => {
    const answer = await set(input)
    expect(answer).toEqual({
      __typename: 'InvalidArgument',
      code: 'INVALID_ARGUMENT',
      message: expect.any(String),
      path: ['input', argument],
    })
    expect(JSON.stringify(answer)).not.toContain(input.value)
  })

  test('cannot be stored on a server without a key: the answer names the setting', async () => {
    const keyless = await startSecretsServer(database, {})
    try {
      const { setSecret } = await keyless.client.ask(SET, { input: { name: 'stripe', value: VALUE } })
      expect(setSecret).toEqual({
        __typename: 'SecretKeyMissing',
        code: 'SECRET_KEY_MISSING',
        message: expect.stringContaining('LUME_SECRET_KEY'),
        path: ['input'],
      })
    } finally {
      await keyless.stop()
    }
  })
})

describe('P7: a run that gives its secret away in every way', () => {
  const definition = (fails: boolean) => ({
    nodes: [
      { id: 'a', type: 'test.echo', config: { key: '{{ secrets.stripe }}', fails } },
      { id: 'b', type: 'core.transform', config: { value: '{{ nodes.a.output }}' } },
    ],
    edges: [{ source: 'a', target: 'b' }],
  })

  test.each([
    ['completes', false, 'completed'],
    ['fails', true, 'failed'],
  ] as const)('and %s leaves it in no table and no log', async (_what, fails, status) => {
    await set({ name: 'stripe', value: VALUE })
    const payload = { workflowId: 'echo', workflowDefinition: definition(fails), input: null }
    const job = await server.lume.executions.executeWorkflow(payload)
    expect(job.status).toBe(status)
    if (!fails) expect(job.result).toMatchObject({ length: VALUE.length })
    const told = JSON.stringify(job) + server.log.join('') + (await dump())
    expect(told).toContain('***')
    expect(writingsIn(told, VALUE)).toEqual([])
  })

  test('is told clearly that a secret is not there', async () => {
    await remove('stripe')
    const payload = { workflowId: 'echo', workflowDefinition: definition(false), input: null }
    const job = await server.lume.executions.executeWorkflow(payload)
    expect(job).toMatchObject({ status: 'failed', error: { path: 'a' } })
  })

  /** Every row of every table, as text. */
  async function dump(): Promise<string> {
    const { rows: tables } = await database.pool.query<{ name: string }>(
      "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'",
    )
    expect(tables.map(({ name }) => name)).toContain('job_log')
    const texts: string[] = []
    for (const { name } of tables) {
      const { rows } = await database.pool.query<{ text: string }>(`SELECT t::text AS text FROM "${name}" t`)
      texts.push(...rows.map(({ text }) => text))
    }
    return texts.join('\n')
  }
})

describe('P7: the value of a secret is in no answer and no log', () => {
  test('when it is stored, replaced and deleted', async () => {
    const answers = [
      await server.client.send(SET, { input: { name: 'stripe', value: VALUE } }),
      await server.client.send(SET, { input: { name: 'stripe', value: VALUE } }),
      await server.client.send(SET, { input: { name: 'not-a-name', value: VALUE } }),
      await server.client.send(LIST, {}),
      await server.client.send(DELETE, { input: { name: 'stripe' } }),
    ]
    expect(writingsIn(JSON.stringify(answers) + server.log.join(''), VALUE)).toEqual([])
  })

  test.each<[what: string, variables: unknown, told: string]>([
    [
      'beside a misspelt argument',
      { input: { name: 'stripe', valeu: VALUE } },
      'Variable "$input" got an invalid value; Field "value" of required type "String!" was not provided.',
    ],
    [
      'in a list',
      { input: { name: 'stripe', value: [VALUE] } },
      'Variable "$input" got an invalid value at "input.value"; String cannot represent a non string value.',
    ],
    [
      'beside a name that is a number',
      { input: { name: 5, value: VALUE } },
      'Variable "$input" got an invalid value at "input.name"; String cannot represent a non string value.',
    ],
    [
      'in place of the input',
      { input: VALUE },
      'Variable "$input" got an invalid value; Expected type "SetSecretInput" to be an object.',
    ],
  ])('when it comes %s', async (_what, variables, told) => {
    const answer = await server.client.post(JSON.stringify({ query: SET.toString(), variables }))
    expect(answer.errors.map(({ message }) => message)).toContain(told)
    expect(answer.errors[0]?.extensions?.code).toBe('BAD_USER_INPUT')
    expect(writingsIn(JSON.stringify(answer) + server.log.join(''), VALUE)).toEqual([])
  })

  test('when it comes over a WebSocket', async () => {
    const socket = openWebSocket(server.url)
    const variables = { input: { name: 5, value: VALUE } } as unknown as SetSecretMutationVariables
    try {
      const told: unknown[] = []
      await (async () => {
        for await (const answer of socket.subscribe(SET, variables)) told.push(answer)
      })().catch((refusal: unknown) => told.push(refusal))
      expect(JSON.stringify(told)).toContain('got an invalid value at')
      expect(writingsIn(JSON.stringify(told) + server.log.join(''), VALUE)).toEqual([])
    } finally {
      await socket.close()
    }
  })

  test('when it is a number', async () => {
    const variables = { name: 'stripe', value: 1_234_567_890 }
    const answer = await server.client.post(JSON.stringify({ query: SET_BY_PARTS.toString(), variables }))
    expect(answer.errors.map(({ message }) => message)).toEqual([
      'Variable "$value" got an invalid value; String cannot represent a non string value.',
    ])
    expect(JSON.stringify(answer) + server.log.join('')).not.toContain('1234567890')
  })

  test('when the body is broken behind it', async () => {
    const body = JSON.stringify({
      query: SET.toString(),
      variables: { input: { name: 'stripe', value: VALUE } },
    })
    for (const end of [1, 2, 3, 4, 10]) {
      const answer = await server.client.post(body.slice(0, -end))
      expect(answer.errors).toHaveLength(1)
      expect(writingsIn(JSON.stringify(answer) + server.log.join(''), VALUE)).toEqual([])
    }
  })

  test('when the database refuses it', async () => {
    await database.pool.query('ALTER TABLE secrets RENAME TO secrets_gone')
    try {
      const answer = await server.client.send(SET, { input: { name: 'stripe', value: VALUE } })
      expect(answer.errors[0]?.extensions).toMatchObject({ code: 'INTERNAL_SERVER_ERROR' })
      expect(server.log.join('')).toContain('secrets')
      expect(writingsIn(JSON.stringify(answer) + server.log.join(''), VALUE)).toEqual([])
    } finally {
      await database.pool.query('ALTER TABLE secrets_gone RENAME TO secrets')
    }
  })
})
