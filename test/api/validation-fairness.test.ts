import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { graphql } from '../gql/index.ts'
import { AUTHENTICATION, bearer, settingsKey } from '../support/access.ts'
import { startApiServer, type ApiServer } from '../support/api-server.ts'
import { createGraphqlClient, type GraphqlClient } from '../support/graphql-client.ts'
import { EXECUTE } from '../support/runs.ts'

/** A busy machine takes long to start the threads that take the place of those that were ended. */
jest.setTimeout(120_000)

const VALIDATE = graphql(`
  mutation ValidateLarge($input: ValidateWorkflowInput!) {
    validateWorkflow(input: $input) {
      __typename
      ... on ValidateWorkflowPayload {
        valid
        diagnostics {
          code
          message
          pointer
        }
      }
    }
  }
`)

/** Each item is compared with all others: minutes of work. */
const HOSTILE_INPUT = Array.from({ length: 30_000 }, (_, i) => ({ i }))
const STARTS = 20

let server: ApiServer
let acme: GraphqlClient
let globex: GraphqlClient
beforeAll(async () => {
  server = await startApiServer({ requestsPerMinute: 0, authentication: AUTHENTICATION })
  const client = (owner: string) => createGraphqlClient(server.url, bearer(settingsKey(owner, 'EDITOR')))
  acme = client('acme')
  globex = client('globex')
})
afterAll(() => server.stop())

const node = (id: string) => ({ id, type: 'core.transform', config: { value: id } })
/** One of many, so that no two are the same definition. */
const definition = (name: string, inputSchema: object) => ({ name, nodes: [node('a')], inputSchema })

describe('twenty starts of one owner whose input takes minutes to check', () => {
  test('do not delay another owner’s start, validation and health check, and end in typed answers', async () => {
    const finished: string[] = []
    const hostile = Array.from({ length: STARTS }, async (_, i) => {
      const input = { definition: definition(`hostile ${i}`, { uniqueItems: true }), input: HOSTILE_INPUT }
      const answer = await acme.send(EXECUTE, { input })
      finished.push('acme')
      return answer
    })
    const others = ['health', 'start', 'validate'].map(async (what) => {
      if (what === 'health') expect((await fetch(`${server.origin}/health`)).status).toBe(200)
      else if (what === 'start') {
        const input = { definition: definition('honest', { type: 'object' }), input: {} }
        const { executeWorkflow } = await globex.ask(EXECUTE, { input })
        expect(executeWorkflow).toMatchObject({ __typename: 'ExecuteWorkflowPayload' })
      } else {
        // Long enough for the thread that checks schemas, which acme’s starts use as well.
        const properties = Object.fromEntries(
          Array.from({ length: 400 }, (_, i) => [`field${i}`, { type: 'string' }]),
        )
        const input = { definition: definition('honest', { properties }) }
        const { validateWorkflow } = await globex.ask(VALIDATE, { input })
        expect(validateWorkflow).toMatchObject({ valid: true })
      }
      finished.push(what)
    })
    const answers = await Promise.all(hostile)
    await Promise.all(others)

    for (const what of ['health', 'start', 'validate'])
      expect(finished.lastIndexOf('acme')).toBeGreaterThan(finished.indexOf(what))
    const refused = answers.filter(({ errors }) => errors.length > 0)
    const unchecked = answers.filter(({ data }) => data !== null)
    expect(refused.length + unchecked.length).toBe(STARTS)
    // The owner's allowance is two seconds of processor time, and each check takes a quarter of one.
    expect(refused.length).toBeGreaterThan(0)
    expect(unchecked.length).toBeGreaterThan(0)
    for (const { errors } of refused) {
      expect(errors).toEqual([
        expect.objectContaining({
          message: expect.stringContaining('Send the request again'),
          extensions: { code: 'VALIDATION_BUSY', retryAfterMs: expect.any(Number) },
        }),
      ])
    }
    for (const { data } of unchecked) {
      expect(data?.executeWorkflow).toMatchObject({
        problems: [{ message: expect.stringContaining('takes longer than the 250 ms') }],
      })
    }
    expect(server.takeFaults()).toEqual([])
  })

  test('leave the owner’s own simple starts alone', async () => {
    const input = { definition: definition('simple', { type: 'object' }), input: {} }
    const { executeWorkflow } = await acme.ask(EXECUTE, { input })
    expect(executeWorkflow).toMatchObject({ __typename: 'ExecuteWorkflowPayload' })
  })
})

describe('a definition beyond a limit is refused with the limit and what it has:', () => {
  test.each<[string, () => object, string]>([
    [
      '60,000 nodes',
      () => ({ nodes: Array.from({ length: 60_000 }, (_, i) => ({ id: `n${i}` })), edges: [] }),
      'The definition has 60000 nodes or more, loop bodies included; 2000 are allowed.',
    ],
    [
      '60,001 edges',
      () => ({
        nodes: [node('a')],
        edges: Array.from({ length: 60_001 }, () => ({ source: 'a', target: 'a' })),
      }),
      'The definition has 60001 edges or more, loop bodies included; 60000 are allowed.',
    ],
    [
      '1,001 variables',
      () => ({
        nodes: [node('a')],
        variables: Object.fromEntries(Array.from({ length: 1_001 }, (_, i) => [`v${i}`, i])),
      }),
      'The definition has 1001 variables; 1000 are allowed.',
    ],
  ])('%s', async (_what, document, message) => {
    const { validateWorkflow } = await globex.ask(VALIDATE, { input: { definition: document() } })
    expect(validateWorkflow).toMatchObject({
      valid: false,
      diagnostics: [{ code: 'DEFINITION_TOO_LARGE', message }],
    })
  })
})

test('twenty large definitions of one owner are validated, and another owner’s come in between', async () => {
  const large = (owner: string, i: number) => ({
    name: `${owner} ${i}`,
    nodes: Array.from({ length: 1_500 }, (_, n) => ({
      id: `n${n}`,
      type: 'core.transform',
      config: { value: `{{ input.${owner}${i} + ${n} }}` },
    })),
  })
  const finished: string[] = []
  const validate = async (client: GraphqlClient, owner: string, i: number) => {
    const { validateWorkflow } = await client.ask(VALIDATE, { input: { definition: large(owner, i) } })
    expect(validateWorkflow).toMatchObject({ valid: true })
    finished.push(owner)
  }
  const all = Array.from({ length: 20 }, (_, i) => validate(acme, 'acme', i))
  all.push(...Array.from({ length: 2 }, (_, i) => validate(globex, 'globex', i)))
  await Promise.all(all)
  expect(finished.filter((owner) => owner === 'acme')).toHaveLength(20)
  // By turns both would be done with the fourth; what was on its way before they came is not counted on.
  expect(finished.lastIndexOf('globex')).toBeLessThan(finished.lastIndexOf('acme'))
})
