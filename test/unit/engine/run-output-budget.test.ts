import { describe, expect, test } from '@jest/globals'
import type { JsonObject } from '../../../src/lib/json.ts'
import {
  definition,
  fails,
  forEach,
  returns,
  TestExecution,
  waits,
  type Behaviour,
} from '../../support/run-definition.ts'

/** A sixteenth of what an execution may hold, and a little less than one output may have. */
const BIG = returns('x'.repeat(4 * 1024 * 1024 - 2))
/** As many steps as fill the budget to the last byte, in a row. */
const FULL = Array.from({ length: 16 }, (_, index) => `s${index}`)

const TOO_MUCH = {
  status: 'FAILED',
  error: { code: 'OUTPUT_TOO_LARGE', path: 'last', message: expect.stringContaining('67108864 bytes') },
}

/** The steps that fill it, then others, one after the other. */
function inARow(...others: string[]): JsonObject {
  const ids = [...FULL, ...others]
  const nodes = Object.fromEntries(ids.map((id) => [id, {}]))
  return { ...definition(nodes, ids.join(' > ')), output: 'done' }
}

function scripts(more: Record<string, Behaviour>): Record<string, Behaviour> {
  return { ...Object.fromEntries(FULL.map((id) => [id, BIG])), ...more }
}

describe('the outputs that an execution holds', () => {
  test('may have 64 MiB together', async () => {
    const execution = new TestExecution(inARow(), scripts({}))
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED' })
  })

  test('the step that goes beyond fails, and says how to mend it', async () => {
    const execution = new TestExecution(inARow('last'), scripts({ last: returns(1) }))
    const end = await execution.finish()
    expect(end).toMatchObject(TOO_MUCH)
    expect(end.status === 'FAILED' && end.error.message).toContain('return less')
    expect(execution.called).toHaveLength(17)
  })

  test('count as well when another worker goes on', async () => {
    const execution = new TestExecution(
      inARow('nap', 'last'),
      scripts({ s0: returns('x'.repeat(4_000_000)), nap: waits(3_600_000), last: BIG }),
    )
    expect(await execution.finish()).toMatchObject(TOO_MUCH)
  })

  test('count as well when a retry reuses them', async () => {
    const original = new TestExecution(inARow('last'), scripts({ last: fails('X', { retryable: false }) }))
    await original.finish()
    const retry = original.retry({ behaviours: { last: returns(1) } })
    expect(await retry.finish()).toMatchObject(TOO_MUCH)
    expect(retry.called).toEqual(['last'])
  })

  test('those of a loop’s item are held until it ends', async () => {
    const body = { ...definition({ find: {}, read: {} }, 'find > read'), output: null }
    const loop = forEach(body, { concurrency: 2, output: 'none' })
    const items = Array.from({ length: 12 }, (_, index) => index)
    const execution = new TestExecution(definition({ loop }), { find: BIG, read: BIG }, { input: items })
    expect(await execution.finish()).toMatchObject({ status: 'COMPLETED', output: '12' })
  })

  test('open items count together', async () => {
    const body = { ...definition({ find: {}, nap: {} }, 'find > nap'), output: null }
    const loop = forEach(body, { concurrency: 20, output: 'none', onItemError: 'skip' })
    const execution = new TestExecution(
      definition({ loop }),
      { find: BIG, nap: waits(3_600_000) },
      { input: Array.from({ length: 20 }, (_, index) => index) },
    )
    await execution.finish()
    const failed = [...(execution.journal.items.get('loop')?.values() ?? [])].filter(
      ({ error }) => error?.code === 'OUTPUT_TOO_LARGE',
    )
    expect(failed).toHaveLength(5)
  })
})
