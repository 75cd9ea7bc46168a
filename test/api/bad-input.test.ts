import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { graphql } from '../gql/index.ts'
import type { DiagnosticCode, ExecuteWorkflowInput } from '../gql/graphql.ts'
import { startApiServer, type ApiServer } from '../support/api-server.ts'
import { gated, GREETING, SIMPLE } from '../support/definitions.ts'
import { EXECUTE, JOB_EVENTS, runToEnd, start, timelineOf, type Run } from '../support/runs.ts'
import { openWebSocket } from '../support/web-socket-client.ts'

const READ = graphql(`
  query ReadAfterBadInput($id: ID!) {
    execution(id: $id) {
      status
      input
      output
      variables
      metadata
      error {
        code
        message
      }
    }
  }
`)

let server: ApiServer
/** Stands still while everything bad is sent, and must not notice. */
let bystander: Run
beforeAll(async () => {
  server = await startApiServer()
  bystander = await start(server, { definition: gated('bystander') })
  await server.gate('bystander').reached
})
afterEach(async () => {
  expect((await fetch(`${server.origin}/ready`)).status).toBe(200)
})
afterAll(async () => {
  server.gate('bystander').open()
  const timeline = await timelineOf(server, bystander.jobId)
  expect(timeline.map(({ seq }) => seq)).toEqual(timeline.map((_event, index) => index + 1))
  expect(timeline.at(-1)?.kind).toBe('JOB_COMPLETED')
  expect(timeline.map(({ kind }) => kind)).not.toContain('JOB_RECOVERED')
  expect(server.takeFaults()).toEqual([])
  await server.stop()
})

async function execute(input: ExecuteWorkflowInput) {
  return (await server.client.ask(EXECUTE, { input })).executeWorkflow
}

async function read(run: Run) {
  const { execution } = await server.client.ask(READ, { id: run.executionId })
  if (!execution) throw new Error('there is no such execution')
  return execution
}

const transform = (value: unknown) => ({
  nodes: [{ id: 'a', type: 'core.transform', config: { value } }],
  edges: [],
})
const expression = (source: string) => transform(`{{ ${source} }}`)

describe('executeWorkflow', () => {
  test.each<[what: string, code: DiagnosticCode, definition: unknown]>([
    ['a malformed definition', 'DEFINITION_MALFORMED', { nodes: 'x' }],
    ['a definition that is a list', 'DEFINITION_MALFORMED', []],
    ['an unknown block', 'BLOCK_UNKNOWN', { nodes: [{ id: 'a', type: 'core.filtre' }], edges: [] }],
    [
      'a cycle',
      'GRAPH_CYCLE',
      {
        nodes: [{ id: 'a', type: 'core.transform', config: { value: 1 } }],
        edges: [{ source: 'a', target: 'a' }],
      },
    ],
    ['a NUL in a definition', 'DEFINITION_MALFORMED', transform('a\u0000b')],
    ['a definition nested too deep', 'DEFINITION_MALFORMED', transform(nested(600))],
    ['a pattern that backtracks', 'EXPRESSION_INVALID', expression('input.matches("(a+)+$")')],
    [
      '500 brackets around an expression',
      'EXPRESSION_INVALID',
      expression(`${'('.repeat(500)}1${')'.repeat(500)}`),
    ],
    ['500 operators before an expression', 'EXPRESSION_INVALID', expression(`${'!'.repeat(500)}true`)],
    [
      '500 lists around an expression',
      'EXPRESSION_INVALID',
      expression(`${'['.repeat(500)}1${']'.repeat(500)}`),
    ],
    ['an expression that is too long', 'EXPRESSION_INVALID', expression(`1${' + 1'.repeat(5_000)}`)],
    [
      'an expression that reaches for JavaScript',
      'EXPRESSION_INVALID',
      expression('input.constructor.constructor("return process")()'),
    ],
  ])('refuses %s', async (_what, code, definition) => {
    const answer = await execute({ definition })
    expect(answer).toMatchObject({
      __typename: 'ValidationFailed',
      code: 'VALIDATION_FAILED',
      path: ['input', 'definition'],
    })
    if (answer.__typename !== 'ValidationFailed') return
    expect(answer.diagnostics.map((diagnostic) => diagnostic.code)).toContain(code)
    expect(answer.diagnostics.length).toBeLessThan(100)
  })

  test.each<[what: string, input: unknown, pointer: string]>([
    ['no input', undefined, ''],
    ['an input of another type', 'Ada', ''],
    ['a field of another type', { name: 5 }, '/name'],
    ['a field that is too long', { name: 'x'.repeat(51) }, '/name'],
    ['a NUL in the input', { name: 'a\u0000b' }, '/name'],
    ['half a character in the input', { name: '\ud800' }, '/name'],
    ['an input nested too deep', { name: nested(600) }, '/name'],
  ])('refuses %s', async (_what, input, pointer) => {
    const answer = await execute({ definition: GREETING, input })
    expect(answer).toMatchObject({
      __typename: 'InputInvalid',
      code: 'INPUT_INVALID',
      path: ['input', 'input'],
      problems: [{ pointer: expect.stringMatching(new RegExp(`^${pointer}`)), message: expect.any(String) }],
    })
  })

  test.each<[what: string, input: Partial<ExecuteWorkflowInput>, argument: string]>([
    ['variables that are a list', { variables: [] }, 'variables'],
    ['variables that are a text', { variables: 'x' }, 'variables'],
    ['a NUL in the variables', { variables: { a: '\u0000' } }, 'variables'],
    ['metadata that are a number', { metadata: 5 }, 'metadata'],
    ['metadata that are too large', { metadata: { a: 'x'.repeat(1024 * 1024) } }, 'metadata'],
    ['an empty key', { idempotencyKey: '' }, 'idempotencyKey'],
    ['a key that is too long', { idempotencyKey: 'x'.repeat(256) }, 'idempotencyKey'],
    ['a NUL in the key', { idempotencyKey: 'a\u0000' }, 'idempotencyKey'],
    ['half a character in the key', { idempotencyKey: '\udfff' }, 'idempotencyKey'],
  ])('refuses %s', async (_what, input, argument) => {
    expect(await execute({ definition: SIMPLE, ...input })).toEqual({
      __typename: 'InvalidArgument',
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining(argument),
      path: ['input', argument],
    })
  })

  test('wants exactly one of `workflowId` and `definition`', async () => {
    for (const input of [{}, { workflowId: 'x', definition: SIMPLE }]) {
      expect(await execute(input)).toMatchObject({ __typename: 'InvalidArgument', path: ['input'] })
    }
  })

  test.each(['garbage', '', '00000000-0000-7000-8000-000000000000', 'Sm9iOjE='])(
    'finds no workflow by %p',
    async (workflowId) => {
      expect(await execute({ workflowId })).toMatchObject({
        __typename: 'NotFound',
        code: 'NOT_FOUND',
        path: ['input', 'workflowId'],
      })
    },
  )
})

describe('hostile values', () => {
  test('run through as what they are: keys named like JavaScript’s own pollute nothing', async () => {
    const hostile =
      '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"toString":1}'
    const body = `{"query":${JSON.stringify(EXECUTE.toString())},"variables":{"input":{
      "definition":{"nodes":[{"id":"__proto__","type":"core.transform","config":{"value":"{{ input }}"}},
        {"id":"constructor","type":"core.transform","config":{"value":"{{ nodes[\\"__proto__\\"].output }}"}}],
        "edges":[{"source":"__proto__","target":"constructor"}],"output":"{{ input }}"},
      "input":${hostile},"variables":${hostile},"metadata":${hostile}}}}`
    const { data } = await server.client.post(body)
    const { executeWorkflow } = data as {
      executeWorkflow: { job?: { id: string }; execution?: { id: string } }
    }
    expect(executeWorkflow).toHaveProperty('job')
    const run = {
      jobId: executeWorkflow.job?.id ?? '',
      executionId: executeWorkflow.execution?.id ?? '',
      deduplicated: false,
    }
    await timelineOf(server, run.jobId)
    const execution = await read(run)
    expect(execution.status).toBe('COMPLETED')
    const { input, output, variables, metadata } = execution
    expect(JSON.stringify({ input, output, variables, metadata })).toBe(
      `{"input":${hostile},"output":${hostile},"variables":${hostile},"metadata":${hostile}}`,
    )
    expect('polluted' in {}).toBe(false)
  })

  test('cannot stop the server by what an expression costs', async () => {
    const startedAt = performance.now()
    const list = Array.from({ length: 100_000 }, () => 1)
    const run = await runToEnd(server, {
      definition: expression('input.filter(a, input.exists(b, b > a + 1)).size()'),
      input: list,
    })
    expect(await read(run)).toMatchObject({ status: 'FAILED', error: { code: 'EXPRESSION_TOO_COSTLY' } })
    expect(performance.now() - startedAt).toBeLessThan(5_000)
  })

  test('cannot stop the server by a pattern on a long text', async () => {
    const run = await runToEnd(server, {
      definition: expression('regexMatch(input, "(a+)+$")'),
      input: `${'a'.repeat(100_000)}!`,
    })
    expect((await read(run)).status).toMatch(/COMPLETED|FAILED/)
  })

  test('may nest up to the limit and come back as they were', async () => {
    const deep = nested(400)
    const run = await runToEnd(server, { definition: expression('input'), input: deep })
    expect((await read(run)).output).toEqual(deep)
  })

  test('of every script come back as they were', async () => {
    const text = 'ليلى 見本 👩🏽‍💻 \u202e\u2028 "\\/\b\f\n\r\t\u001f \u{10ffff}'
    const run = await runToEnd(server, { definition: expression('input'), input: { [text]: text } })
    expect((await read(run)).output).toEqual({ [text]: text })
  })
})

describe('over a WebSocket', () => {
  test('a bad operation is its own error, and the others on the connection go on', async () => {
    const socket = openWebSocket(server.url)
    const following = socket.subscribe(JOB_EVENTS, { jobId: bystander.jobId })
    await following.next()
    for (const query of [
      'subscription {',
      '{ nothing }',
      'fragment A on Job { id }',
      `{ ${'a'.repeat(200_000)} }`,
    ]) {
      const document = Object.assign(new String(query), { toString: () => query }) as typeof JOB_EVENTS
      await expect(socket.subscribe(document, { jobId: '' }).next()).rejects.toEqual([
        expect.objectContaining({ message: expect.any(String) }),
      ])
    }
    const bad = socket.subscribe(JOB_EVENTS, { jobId: {} as unknown as string })
    expect((await bad.next()).value).toMatchObject({ errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] })
    await following.return(undefined)
    await socket.close()
  })
})

/** A list in a list in a list… */
function nested(levels: number): unknown {
  let value: unknown = 1
  for (let level = 0; level < levels; level++) value = [value]
  return value
}
