import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { graphql } from '../gql/index.ts'
import { AUTHENTICATION, bearer, tokenFor } from '../support/access.ts'
import { startApiServer, type ApiServer } from '../support/api-server.ts'
import { createGraphqlClient, type GraphqlClient } from '../support/graphql-client.ts'
import {
  COLONS,
  DEEP_INPUT,
  EXPONENTIAL_SCHEMA,
  MANY_ITEMS,
  RECURSIVE_SCHEMA,
} from '../support/hostile-schemas.ts'
import { EXECUTE } from '../support/runs.ts'

const VALIDATE = graphql(`
  mutation ValidateHostile($input: ValidateWorkflowInput!) {
    validateWorkflow(input: $input) {
      ... on ValidateWorkflowPayload {
        valid
      }
    }
  }
`)

const SIMULATE = graphql(`
  mutation SimulateHostile($input: SimulateWorkflowInput!) {
    simulateWorkflow(input: $input) {
      ... on InputInvalid {
        code
        problems {
          message
        }
      }
    }
  }
`)

/** Without a bound the thread is held for minutes, or for years; two seconds are what is promised on a machine that is free. */
const LONGEST_HOLD_MS = 10_000
const LOOK_EVERY_MS = 20

let server: ApiServer
beforeAll(async () => {
  server = await startApiServer({ authentication: AUTHENTICATION })
})
afterAll(() => server.stop())

/** A client of an owner that has used none of its allowance for checks. */
async function clientOf(owner: string): Promise<GraphqlClient> {
  return createGraphqlClient(
    server.url,
    bearer(await tokenFor({ now: Date.now }, { owner, role: 'EDITOR', forS: 600 })),
  )
}

/** For how long at most a timer of this process, which is the server's, too, was kept waiting. */
async function longestHold(work: () => Promise<void>): Promise<number> {
  let last = performance.now()
  let longest = 0
  const look = () => {
    longest = Math.max(longest, performance.now() - last)
    last = performance.now()
  }
  const timer = setInterval(look, LOOK_EVERY_MS)
  try {
    await work()
    look()
  } finally {
    clearInterval(timer)
  }
  return longest
}

test.each([
  ['two references at each of 60 levels', EXPONENTIAL_SCHEMA, 'text'],
  ['two references at each of 60 levels of the input', RECURSIVE_SCHEMA, DEEP_INPUT],
  ['all items compared with each other', { uniqueItems: true }, MANY_ITEMS],
  ['a format that backtracks', { format: 'url' }, COLONS],
])(
  'an input schema asks for %s: it is valid, and start and simulation say that it cannot be checked',
  async (what, inputSchema, input) => {
    const client = await clientOf(what)
    const definition = {
      nodes: [{ id: 'a', type: 'core.transform', config: { value: 1 } }],
      inputSchema,
    }
    const refused = {
      code: 'INPUT_INVALID',
      problems: [{ message: expect.stringContaining('cannot be checked: it takes longer than') }],
    }
    const held = await longestHold(async () => {
      const { validateWorkflow } = await client.ask(VALIDATE, { input: { definition } })
      expect(validateWorkflow).toEqual({ valid: true })
      const { executeWorkflow } = await client.ask(EXECUTE, { input: { definition, input } })
      expect(executeWorkflow).toMatchObject(refused)
      const { simulateWorkflow } = await client.ask(SIMULATE, { input: { definition, input } })
      expect(simulateWorkflow).toMatchObject(refused)
    })
    expect(held).toBeLessThan(LONGEST_HOLD_MS)
    expect(server.takeFaults()).toEqual([])
  },
)
