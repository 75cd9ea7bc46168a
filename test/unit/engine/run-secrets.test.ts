import { describe, expect, test } from '@jest/globals'
import { fc } from '../../support/fast-check.ts'
import { completed } from '../../../src/engine/block/block.ts'
import { defineBlock } from '../../../src/engine/block/define-block.ts'
import { z } from 'zod'
import {
  definition,
  forEach,
  settled,
  TestExecution,
  type Behaviours,
  type ExecutionOptions,
} from '../../support/run-definition.ts'

const SECRET = 'sk-live-4f9a"\\8c+/é'
const values: Record<string, string> = { token: SECRET }
const world = {
  secrets: {
    open: async (names: readonly string[]) =>
      new Map(names.flatMap((name) => (name in values ? [[name, values[name] ?? '']] : []))),
  },
}
const naming = definition({ a: { config: { header: 'Bearer {{ secrets.token }}' } }, b: {} }, 'a > b')

function execute(behaviours: Behaviours, document = naming, options: ExecutionOptions = {}): TestExecution {
  return new TestExecution(document, behaviours, { world, ...options })
}

/** Everything that was recorded, as it would stand in the tables. */
function recorded({ journal }: TestExecution): string {
  return JSON.stringify([
    journal.entries,
    journal.events,
    [...journal.steps.values()],
    [...journal.values.values()],
    [...journal.items.values()].map((items) => [...items.values()]),
    [...journal.checkpoints.values()].map((texts) => [...texts]),
  ])
}

const ENCODINGS: readonly [string, (value: string) => string][] = [
  ['as it is', (value) => value],
  ['in base64', (value) => Buffer.from(value).toString('base64')],
  ['in base64 behind a user name', (value) => Buffer.from(`user:${value}`).toString('base64')],
  ['in base64url', (value) => Buffer.from(value).toString('base64url')],
  ['URL-encoded', (value) => encodeURIComponent(value)],
  ['as a form has it', (value) => new URLSearchParams({ v: value }).toString().slice(2)],
  ['JSON-escaped', (value) => JSON.stringify(value).slice(1, -1)],
  ['in JSON within JSON', (value) => JSON.stringify(JSON.stringify({ value }))],
  ['in hex', (value) => Buffer.from(value).toString('hex')],
]

test('a step whose secrets exceed the length that one execution may use fails with SECRETS_TOO_LARGE before its block is called', async () => {
  const names = ['s1', 's2', 's3']
  const open = async (asked: readonly string[]) =>
    new Map(asked.map((name) => [name, name.repeat(4_000)] as const))
  const document = definition(
    Object.fromEntries(names.map((name) => [name, { config: { header: `{{ secrets.${name} }}` } }])),
    's1 > s2',
    's2 > s3',
  )
  const execution = new TestExecution(document, {}, { world: { secrets: { open } } })
  await execution.finish()
  expect(execution.calls.map(({ path }) => path)).toEqual(['s1', 's2'])
  expect(execution.journal.steps.get('s3')).toMatchObject({
    status: 'FAILED',
    error: { code: 'SECRETS_TOO_LARGE' },
  })
})

describe('secrets reach the block and nothing else (P7)', () => {
  test('a config that names one is filled in for the block, and recorded masked', async () => {
    const execution = execute({})
    await execution.finish()
    expect(execution.calls[0]?.config).toEqual({ header: `Bearer ${SECRET}` })
    expect(execution.journal.values.get('a')?.config).toBe('{"header":"Bearer ***"}')
  })

  test.each(ENCODINGS)('a block that echoes its secret %s', async (_how, encode) => {
    const text = encode(SECRET)
    const execution = execute({
      a: async ({ context }) => {
        context.log.info(`line ${text}`, { field: text, [text]: 1 })
        context.progress(0.5, text)
        context.stream(text)
        await context.checkpoint('kept', { text })
        return { text, list: [text], [text]: true }
      },
      b: ({ input }) => input,
    })
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED' })
    expect(recorded(execution)).not.toContain(JSON.stringify(text).slice(1, -1))
    expect(JSON.stringify(execution.calls[1]?.input)).not.toContain(JSON.stringify(text).slice(1, -1))
  })

  test.each(ENCODINGS)('an error that holds it %s', async (_how, encode) => {
    const text = encode(SECRET)
    const document = definition(
      {
        a: {
          config: { header: '{{ secrets.token }}' },
          onError: 'route',
          retry: { maxAttempts: 2, initialDelayMs: 0 },
        },
        b: {},
      },
      'a:error > b',
    )
    const execution = execute(
      {
        a: () => {
          throw Object.assign(new Error(`refused ${text}`), { code: text })
        },
      },
      document,
    )
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED' })
    expect(recorded(execution)).not.toContain(JSON.stringify(text).slice(1, -1))
    expect(JSON.stringify(execution.calls.at(-1)?.input)).not.toContain(JSON.stringify(text).slice(1, -1))
  })

  test('one that is streamed piece by piece', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 7 }), async (size) => {
        const execution = execute({
          a: async ({ context }) => {
            const text = `before ${SECRET} after`
            for (let at = 0; at < text.length; at += size) {
              context.stream(text.slice(at, at + size))
              await context.clock.wait(300)
            }
            return null
          },
        })
        await execution.finish()
        const pieces = execution.journal.eventsOf('STEP_STREAM').map(({ body }) => body.text)
        expect(pieces.join('')).toBe('before *** after')
      }),
      { numRuns: 7 },
    )
  })

  test('inside of a loop, and in what fails it', async () => {
    const body = definition({ in: { config: { token: '{{ secrets.token }}' } } })
    const execution = execute(
      {
        in: ({ config }) => {
          throw new Error(`no ${JSON.stringify(config['token'])}`)
        },
      },
      definition({ loop: forEach(body, { items: [1] }) }),
    )
    const end = await execution.finish()
    expect(end).toMatchObject({ status: 'FAILED' })
    expect(JSON.stringify(end)).not.toContain('4f9a')
    expect(recorded(execution)).not.toContain('4f9a')
  })

  test('a crash forgets none: the next worker masks as the first did', async () => {
    const execution = execute({ a: ({ config }) => config, b: () => ({ again: SECRET }) })
    execution.journal.crashAt = 3
    await execution.run().catch(() => {})
    await execution.finish(execution.recover())
    expect(recorded(execution)).not.toContain('4f9a')
  })
})

describe('which secrets a block sees', () => {
  const asking = (secrets: readonly string[], name: string) =>
    defineBlock({
      type: 'test.asks',
      name: 'Asks',
      description: 'Asks for a secret.',
      config: z.record(z.string(), z.unknown()),
      output: z.unknown(),
      sample: null,
      secrets,
      run: async (context) => completed({ length: context.secrets.get(name).length }),
    })
  const run = (secrets: readonly string[], name: string) =>
    execute({}, definition({ a: { type: 'test.asks', retry: { maxAttempts: 1 } } }), {
      blocks: [asking(secrets, name)],
    }).finish()

  test('those that it declares', async () => {
    expect(await run(['token'], 'token')).toMatchObject({ output: `{"length":${SECRET.length}}` })
  })

  test('one that it does not declare is refused', async () => {
    expect(await run([], 'token')).toMatchObject({ error: { code: 'SECRET_UNDECLARED' } })
  })

  test('one that is not there fails the step, naming it', async () => {
    expect(await run(['other'], 'other')).toMatchObject({
      error: { code: 'SECRET_MISSING', message: expect.stringContaining('"other"') },
    })
  })

  test('a template that names one that is not there fails the step, naming it', async () => {
    const execution = execute({}, definition({ a: { config: { x: '{{ secrets.nothing }}' } } }))
    expect(await execution.finish()).toMatchObject({
      status: 'FAILED',
      error: { message: expect.stringContaining('nothing') },
    })
    await settled()
    expect(execution.calls).toEqual([])
  })
})
