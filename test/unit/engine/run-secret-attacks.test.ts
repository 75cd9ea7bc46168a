import { describe, expect, test } from '@jest/globals'
import { BlockError, waiting, type ChildRequest } from '../../../src/engine/block/block.ts'
import { validateDefinition } from '../../../src/engine/validate/validate-definition.ts'
import { LumeError } from '../../../src/lib/errors.ts'
import { shorten } from '../../../src/lib/text/shorten.ts'
import {
  definition,
  forEach,
  registryWith,
  scriptedBlocks,
  TestExecution,
  type Behaviours,
} from '../../support/run-definition.ts'
import { ENCODERS, writingsIn } from '../../support/writings.ts'

const VALUE = 'sk-or-v1/"ä+b&c\\d e?f'
const basic = (text: string) => `Basic ${Buffer.from(`user:${text}`).toString('base64')}`

const world = {
  secrets: {
    open: (names: readonly string[]) => Promise.resolve(new Map(names.map((name) => [name, VALUE]))),
  },
}

/** A run of one step that is given the secret, and of another one that passes on what it gets. */
function executionOf(behaviours: Behaviours, node: object = {}): TestExecution {
  const nodes = { a: { config: { key: '{{ secrets.stripe }}' }, ...node }, b: {} }
  return new TestExecution(definition(nodes, 'a > b'), behaviours, { world })
}

/** All that was recorded of a run, in all tables. */
function recordOf({ journal }: TestExecution): string {
  const { events, steps, values, items, checkpoints, job } = journal
  const tables = [
    ...steps.values(),
    ...values.values(),
    ...[...items.values()].flatMap((item) => [...item.values()]),
  ]
  return [...events, ...tables, ...[...checkpoints.values()].flatMap((one) => [...one.values()]), job]
    .flatMap(textsIn)
    .join('\n')
}

/** Every text in a value, with JSON read where a column holds it. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') {
    const isDocument = /^[[{"]/.test(value)
    return isDocument ? [value, ...textsOfDocument(value)] : [value]
  }
  if (typeof value !== 'object' || value === null) return [String(value)]
  return Object.entries(value).flatMap(([key, member]) => [key, ...textsIn(member)])
}

function textsOfDocument(text: string): string[] {
  try {
    return textsIn(JSON.parse(text))
  } catch {
    return []
  }
}

describe('P7: nothing that a run records holds a secret that it was given', () => {
  test('though the block is given the very value', async () => {
    const execution = executionOf({ a: ({ config }) => config.key === VALUE })
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED', output: 'true' })
    expect(execution.journal.values.get('a')?.config).toBe('{"key":"***"}')
    expect(writingsIn(recordOf(execution), VALUE)).toEqual([])
  })

  test.each([...Object.entries(ENCODERS), ['inside of base64', basic] as const])(
    'when a block echoes it: %s; what flows on is what is recorded',
    async (_, encode) => {
      const echo = `<${encode(VALUE)}>`
      const execution = executionOf({ a: () => ({ echo, list: [echo], [encode(VALUE)]: 1 }) })
      expect(await execution.finish()).toMatchObject({ status: 'COMPLETED' })
      const [, passed] = execution.calls
      expect(writingsIn(JSON.stringify(passed?.input), VALUE)).toEqual([])
      expect(execution.journal.values.get('a')?.output).toBe(JSON.stringify(passed?.input))
      expect(writingsIn(recordOf(execution), VALUE)).toEqual([])
    },
  )

  test.each([...Object.entries(ENCODERS), ['inside of base64', basic] as const])(
    'when an error holds it: %s',
    async (_, encode) => {
      const execution = executionOf(
        {
          a: () => {
            throw new BlockError('REFUSED', `the provider says ${encode(VALUE)}`, {
              details: { sent: encode(VALUE) },
            })
          },
        },
        { onError: 'route' },
      )
      await execution.finish()
      expect(writingsIn(recordOf(execution), VALUE)).toEqual([])
      expect(recordOf(execution)).toContain('the provider says')
    },
  )

  test('when it ends the run, and when it is thrown as no error at all', async () => {
    for (const thrown of [new Error(VALUE), VALUE, { message: VALUE, code: VALUE }]) {
      const execution = executionOf({
        a: () => {
          throw thrown
        },
      })
      expect(await execution.finish()).toMatchObject({ status: 'FAILED' })
      expect(writingsIn(recordOf(execution), VALUE)).toEqual([])
    }
  })

  test('when it is logged, reported, counted, checkpointed, streamed whole or letter by letter', async () => {
    const execution = executionOf({
      async a({ context }) {
        context.log.info(`log ${VALUE}`, { field: VALUE, [VALUE]: 1 })
        context.progress(0.5, `progress ${VALUE}`)
        context.usage({ costUsd: 1, quantities: { [VALUE]: 1 } })
        await context.checkpoint('sent', { body: basic(VALUE) })
        context.stream(`whole ${VALUE} `)
        for (const letter of `letters ${VALUE}`) {
          context.stream(letter)
          await context.clock.wait(100)
        }
        return null
      },
    })
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED' })
    expect(writingsIn(recordOf(execution), VALUE)).toEqual([])
    const streamed = execution.journal.events.flatMap(({ kind, body }) =>
      kind === 'STEP_STREAM' && 'text' in body ? [body.text] : [],
    )
    expect(streamed.join('')).toBe('whole *** letters ***')
  })

  test('when it stands where a long text is cut', async () => {
    for (const at of [3_980, 3_985, 3_990, 3_995]) {
      const text = `${'x'.repeat(at)}${VALUE}`
      const execution = executionOf({
        a({ context }) {
          context.log.info(text, { field: text })
          context.progress(0.5, text)
          throw new BlockError('REFUSED', text)
        },
      })
      expect(await execution.finish()).toMatchObject({ status: 'FAILED' })
      expect(recordOf(execution).includes(VALUE.slice(0, 8))).toBe(false)
    }
  })

  test('when its block has cut the text, anywhere within the secret', async () => {
    for (let end = 6; end < VALUE.length; end++) {
      const cut = VALUE.slice(0, end)
      const marked = `"${shorten(`say ${VALUE}`, 4 + end)}" is what it says`
      const texts = [`say ${cut}`, `say ${cut}...`, marked, `say ${cut}\ufffd`]
      const execution = executionOf(
        {
          a({ context, attempt }) {
            for (const text of texts) {
              context.log.info(text, { deep: [text], [text]: 1 })
              context.progress(0.5, text)
            }
            context.stream(`streamed ${cut}`)
            throw new BlockError('REFUSED', texts[attempt - 1] ?? '', { details: { texts }, retryable: true })
          },
        },
        { retry: { maxAttempts: texts.length }, onError: 'route' },
      )
      expect(await execution.finish()).toMatchObject({ status: 'COMPLETED' })
      expect(recordOf(execution)).toContain('say ***')
      expect(recordOf(execution)).toContain('streamed ***')
      expect(recordOf(execution)).not.toContain(VALUE.slice(0, 6))
    }
  })

  test('when the message of a JSON parser quotes pieces of it', async () => {
    for (const text of [`{"key":${VALUE}}`, VALUE, `{"a":1}   ${VALUE}`, `[1, 2, 3, ${VALUE.slice(8)}`]) {
      const execution = executionOf({ a: () => JSON.parse(text) as unknown })
      expect(await execution.finish()).toMatchObject({ status: 'FAILED' })
      expect(recordOf(execution)).toContain('JSON')
      for (let at = 0; at + 6 <= VALUE.length; at++) {
        expect(recordOf(execution)).not.toContain(VALUE.slice(at, at + 6))
      }
    }
  })

  test('when a config names it, whatever its value is', async () => {
    const secrets = {
      open: (names: readonly string[]) => Promise.resolve(new Map(names.map((name) => [name, 'pin']))),
    }
    const config = {
      key: '{{ secrets.stripe }}',
      mixed: 'Bearer {{ secrets["stripe"] }}:{{ secrets.?stripe }} of {{ input.of }}, pin',
      missing: '{{ secrets.?stripe }}',
      deep: [{ plain: '{{ input.of }}' }],
    }
    const execution = new TestExecution(
      definition({ a: { config } }),
      {},
      { world: { secrets }, input: { of: 'me' } },
    )
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED' })
    expect(execution.calls[0]?.config).toMatchObject({ key: 'pin', mixed: 'Bearer pin:pin of me, pin' })
    expect(JSON.parse(execution.journal.values.get('a')?.config ?? '')).toEqual({
      key: '***',
      mixed: 'Bearer ***:*** of me, pin',
      missing: '***',
      deep: [{ plain: 'me' }],
    })
  })

  test('when the host of a URL writes it in small letters', async () => {
    const value = 'AbCd0123456789EfGh'
    const { host } = new URL(`https://${value}.example.com/`)
    const secrets = {
      open: (names: readonly string[]) => Promise.resolve(new Map(names.map((name) => [name, value]))),
    }
    const execution = new TestExecution(
      definition({ a: { config: { url: 'https://{{ secrets.key }}.example.com/' } } }),
      {
        a: () => {
          throw new BlockError('HTTP_NETWORK', `no answer came from https://${host}`)
        },
      },
      { world: { secrets } },
    )
    await execution.finish()
    expect(recordOf(execution)).toContain('https://***.example.com')
    expect(recordOf(execution).toLowerCase()).not.toContain(value.toLowerCase())
  })

  test('when it names what is waited for', async () => {
    const execution = executionOf({
      a: () =>
        waiting({
          signal: { name: VALUE, schema: { const: VALUE }, timeoutMs: 60_000, timeoutHandle: null },
        }),
    })
    expect(await execution.run()).toMatchObject({ kind: 'parked' })
    expect(recordOf(execution)).toContain('signal')
    expect(writingsIn(recordOf(execution), VALUE)).toEqual([])
  })

  test('when it is handed to a child, whose input is recorded', async () => {
    const started: ChildRequest[] = []
    const children = {
      start: async (request: ChildRequest) => {
        started.push(request)
        return 'child'
      },
      endOf: () => Promise.resolve(null),
      cancel: () => Promise.resolve(),
      cancelAll: () => Promise.resolve(),
    }
    const child = {
      key: 'k',
      workflowId: 'w',
      version: null,
      input: { deep: [VALUE] },
      variables: { key: VALUE },
    }
    const nodes = { a: { config: { key: '{{ secrets.stripe }}' } } }
    const execution = new TestExecution(
      definition(nodes),
      { a: ({ context }) => context.children.start(child) },
      { world: { ...world, children } },
    )
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED' })
    expect(started).toHaveLength(1)
    expect(writingsIn(textsIn(started).join('\n'), VALUE)).toEqual([])
  })

  test('when the next worker goes on after a crash', async () => {
    const execution = executionOf({ a: () => ({ echo: VALUE }), b: ({ input }) => ({ again: input }) })
    execution.journal.crashAt = 2
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED' })
    expect(writingsIn(recordOf(execution), VALUE)).toEqual([])
  })
})

test('a secret that cannot be opened fails the step that needs it, and says why', async () => {
  const fault = new LumeError('SECRET_KEY_UNKNOWN', 'The secret "stripe" was stored under another key.')
  const execution = new TestExecution(
    definition({ a: { config: { key: '{{ secrets.stripe }}' } } }),
    {},
    { world: { secrets: { open: () => Promise.reject(fault) } } },
  )
  expect(await execution.finish()).toMatchObject({ status: 'FAILED', error: { code: 'SECRET_KEY_UNKNOWN' } })
  expect(execution.calls).toEqual([])
})

describe('P7: no definition runs that would make something of a secret', () => {
  const blocks = registryWith(scriptedBlocks({}))
  const errorsOf = (document: unknown) =>
    validateDefinition(document, { blocks })
      .diagnostics.filter(({ severity }) => severity === 'error')
      .map(({ code }) => code)
  const OPERATIONS = [
    'join(split(secrets.stripe, ""), " ")',
    'upper(secrets.stripe)',
    'substring(secrets.stripe, 0, 4)',
    'secrets.stripe + "x"',
    'secrets.stripe == "x" ? 1 : 2',
    '[secrets.stripe]',
    '{"key": secrets.stripe}',
    'has(secrets.stripe)',
    'secrets[input.name]',
    'json(secrets)',
    'split(secrets.stripe, "").map(c, c)',
  ]

  test.each(OPERATIONS)('by %s', (source) => {
    const config = { key: `{{ ${source} }}` }
    const text = `Bearer {{ ${source} }}`
    const call = { config }
    const places: [document: unknown, code: string][] = [
      [definition({ a: call }), 'SECRET_IN_EXPRESSION'],
      [definition({ a: { config: { deep: [{ text }] } } }), 'SECRET_IN_EXPRESSION'],
      [definition({ a: { onError: 'route' }, b: call }, 'a:error > b'), 'SECRET_IN_EXPRESSION'],
      [definition({ loop: forEach(definition({ a: call })) }), 'SECRET_IN_EXPRESSION'],
      [definition({ a: { retry: { maxAttempts: 2, retryIf: source } } }), 'SECRET_IN_EXPRESSION'],
      [{ ...definition({ a: {} }), output: text }, 'SECRET_IN_PURE_BLOCK'],
      [definition({ loop: forEach({ ...definition({ a: {} }), output: text }) }), 'SECRET_IN_PURE_BLOCK'],
    ]
    for (const [document, code] of places) expect(errorsOf(document)).toContain(code)
  })

  test.each(['secrets.stripe', ...OPERATIONS])(
    'nor is %s given to a block that hands on what it is given',
    (source) => {
      const text = `{{ ${source} }}`
      const control: [type: string, config: object][] = [
        ['core.log', { message: text }],
        ['core.log', { message: 'x', fields: { text } }],
        ['core.callWorkflow', { workflowId: 'w', input: text }],
        ['core.callWorkflow', { workflowId: 'w', variables: { text } }],
        ['core.waitForSignal', { name: text }],
        ['core.delay', { duration: text }],
        ['core.forEach', { items: text, body: definition({ a: {} }) }],
      ]
      for (const [type, config] of control) {
        expect(errorsOf(definition({ a: { type, config } }))).toContain('SECRET_IN_CONTROL_BLOCK')
      }
      const pure: [type: string, config: object][] = [
        ['core.fail', { message: text }],
        ['core.transform', { value: text }],
        ['core.filter', { items: [], condition: source }],
      ]
      for (const [type, config] of pure) {
        expect(errorsOf(definition({ a: { type, config } }))).toContain('SECRET_IN_PURE_BLOCK')
      }
    },
  )
})
