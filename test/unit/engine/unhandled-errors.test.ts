import { describe, expect, test } from '@jest/globals'
import { BlockError } from '../../../src/engine/block/block.ts'
import {
  UNHANDLED_ERRORS_MAX_RECORDED,
  type UnhandledError,
} from '../../../src/engine/record/unhandled-errors.ts'
import { currentUserCode, type UserCode } from '../../../src/engine/block/user-code.ts'
import {
  definition,
  Gate,
  hangs,
  held,
  returns,
  TestExecution,
  type Behaviour,
} from '../../support/run-definition.ts'

/** Leaves an error unhandled, as the process's handlers report it, and does something else afterwards. */
const leaves =
  (error: unknown, then: Behaviour = hangs()): Behaviour =>
  (call) => {
    const code = currentUserCode()
    setImmediate(() => code?.onUnhandledError(error))
    return then(call)
  }

function watched(): { errors: UnhandledError[]; world: object } {
  const errors: UnhandledError[] = []
  return { errors, world: { onUnhandledError: (error: UnhandledError) => errors.push(error) } }
}

describe('an error that a block leaves unhandled', () => {
  test('fails the attempt while it runs, and the retry policy decides about another attempt', async () => {
    const { errors, world } = watched()
    const document = definition({ a: { retry: { maxAttempts: 2, initialDelayMs: 0 } } })
    const execution = new TestExecution(
      document,
      { a: [leaves(new Error('lost')), returns('second')] },
      { world },
    )
    expect(await execution.run()).toMatchObject({ end: { status: 'COMPLETED' } })
    const [first, second] = execution.journal.steps.get('a')?.attempts ?? []
    const error = { code: 'BLOCK_UNHANDLED_ERROR', message: 'The block left an error unhandled: lost' }
    expect(first).toMatchObject({ number: 1, status: 'FAILED', error })
    expect(second).toMatchObject({ number: 2, status: 'COMPLETED' })
    expect(errors).toEqual([
      expect.objectContaining({
        shownAs: 'failure',
        message: 'lost',
        code: { kind: 'block', name: 'test.call', executionId: execution.id, path: 'a', attempt: 1 },
      }),
    ])
  })

  test('aborts the signal of the attempt that it fails', async () => {
    const execution = new TestExecution(definition({ a: {} }), { a: leaves(new Error('lost')) })
    expect(await execution.run()).toMatchObject({ end: { status: 'FAILED' } })
    expect(execution.calls[0]?.context.signal.aborted).toBe(true)
  })

  test('is final if it is a BlockError that says so', async () => {
    const document = definition({ a: { retry: { maxAttempts: 5, initialDelayMs: 0 } } })
    const error = new BlockError('BROKEN', 'for ever', { retryable: false })
    const execution = new TestExecution(document, { a: leaves(error) })
    await execution.run()
    expect(execution.called).toEqual(['a'])
  })

  test('does not repeat a call that must not be repeated: it says nothing of the call’s outcome (E13)', async () => {
    const retry = { maxAttempts: 5, initialDelayMs: 0 }
    const document = definition({ a: { type: 'test.costly', retry } })
    const execution = new TestExecution(document, { a: leaves(new Error('lost')) })
    expect(await execution.run()).toMatchObject({ end: { status: 'FAILED' } })
    expect(execution.called).toEqual(['a'])
  })

  test('is a line of its step when the attempt has ended and the execution still runs', async () => {
    const { errors, world } = watched()
    const gate = new Gate()
    let code: UserCode | undefined
    const execution = new TestExecution(
      definition({ a: {}, b: {} }, 'a > b'),
      {
        a: () => {
          code = currentUserCode()
          return 1
        },
        b: held(gate),
      },
      { world },
    )
    const run = execution.start()
    await execution.quiet()
    code?.onUnhandledError(new Error('late'))
    await execution.quiet()
    gate.open()
    expect(await execution.run(run)).toMatchObject({ end: { status: 'COMPLETED' } })
    const lines = execution.journal.events.filter(({ kind }) => kind === 'STEP_LOG')
    expect(lines.map(({ body }) => body)).toEqual([
      {
        path: 'a',
        nodeId: 'a',
        attempt: 1,
        level: 'error',
        message: 'The block left an error unhandled: late',
      },
    ])
    expect(errors).toEqual([expect.objectContaining({ shownAs: 'stepLog' })])
  })

  test('is reported as shown nowhere when the execution has ended', async () => {
    const { errors, world } = watched()
    let code: UserCode | undefined
    const a: Behaviour = () => {
      code = currentUserCode()
    }
    const execution = new TestExecution(definition({ a: {} }), { a }, { world })
    await execution.run()
    const kinds = execution.journal.kinds()
    code?.onUnhandledError(new Error('late'))
    await execution.quiet()
    expect(execution.journal.kinds()).toEqual(kinds)
    expect(errors).toEqual([
      expect.objectContaining({ shownAs: 'none', message: 'late', stack: expect.stringContaining('late') }),
    ])
  })

  test('is only counted beyond twenty of one attempt', async () => {
    const { errors, world } = watched()
    let code: UserCode | undefined
    const a: Behaviour = () => {
      code = currentUserCode()
    }
    await new TestExecution(definition({ a: {} }), { a }, { world }).run()
    for (let i = 0; i < 25; i++) code?.onUnhandledError(new Error(`${i}`))
    const shown = errors.filter(({ shownAs }) => shownAs === 'none')
    expect(shown).toHaveLength(UNHANDLED_ERRORS_MAX_RECORDED)
    expect(errors.filter(({ shownAs }) => shownAs === 'excess')).toHaveLength(5)
  })

  test.each([
    [undefined],
    [null],
    ['text'],
    [
      {
        get message(): string {
          throw new Error('no')
        },
      },
    ],
  ])('fails the attempt whatever was thrown: %#', async (thrown) => {
    const execution = new TestExecution(definition({ a: {} }), { a: leaves(thrown) })
    expect(await execution.run()).toMatchObject({
      end: { status: 'FAILED', error: { code: 'BLOCK_UNHANDLED_ERROR', path: 'a' } },
    })
  })
})

test('what Lume does for a block that reports is not attributed to the block', async () => {
  const seen: unknown[] = []
  const a: Behaviour = async ({ context }) => {
    await context.checkpoint('key', 1)
    seen.push(currentUserCode()?.path)
    return 1
  }
  const execution = new TestExecution(definition({ a: {} }), { a })
  const { open } = execution.journal
  execution.journal.open = () => {
    const journal = open.call(execution.journal)
    return {
      ...journal,
      append: (entry) => {
        if (entry.checkpoints) seen.push(currentUserCode())
        return journal.append(entry)
      },
    }
  }
  await execution.run()
  expect(seen).toEqual([undefined, 'a'])
})

describe('an outcome', () => {
  test.each<[string, unknown]>([
    [
      'has handles whose list throws',
      { kind: 'completed', output: 1, handles: new Proxy([], { get: fail }) },
    ],
    ['is a proxy that throws', new Proxy({ kind: 'completed' }, { get: fail })],
    [
      'has an output behind a getter that throws',
      {
        kind: 'completed',
        get output() {
          return fail()
        },
      },
    ],
    [
      'waits for a signal behind a getter that throws',
      {
        kind: 'waiting',
        get signal() {
          return fail()
        },
      },
    ],
  ])('that %s fails the step', async (_name, outcome) => {
    const execution = new TestExecution(definition({ a: {} }), { a: () => outcome })
    const error = { code: 'BLOCK_FAILED', message: 'trap', path: 'a' }
    expect(await execution.run()).toMatchObject({ end: { status: 'FAILED', error } })
  })

  test.each<[string, unknown]>([
    ['is no JSON', { properties: { a: 1n } }],
    ['refers to itself', cyclic()],
    ['is a text', 'text'],
  ])('that waits for a signal whose schema %s is none', async (_name, schema) => {
    const signal = { name: 's', schema, timeoutMs: null, timeoutHandle: null }
    const execution = new TestExecution(definition({ a: {} }), { a: () => ({ kind: 'waiting', signal }) })
    expect(await execution.run()).toMatchObject({
      end: { status: 'FAILED', error: { code: 'OUTCOME_INVALID' } },
    })
  })
})

function fail(): never {
  throw new Error('trap')
}

function cyclic(): unknown {
  const schema: { self?: unknown } = {}
  schema.self = schema
  return schema
}
