import { createHash } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { canonicalHash, canonicalHashPieces, canonicalJson } from '../../../src/lib/json/canonical-json.ts'
import type { Json } from '../../../src/lib/json/json.ts'
import { inPieces, withPauses } from '../../../src/lib/turns/pieces.ts'
import { ARRIVAL_TURNS_MAX, noteArrival } from '../../../src/lib/turns/arrivals.ts'
import { isYielding, yieldToEventLoop } from '../../../src/lib/turns/yield-to-event-loop.ts'
import { onBehalfOf } from '../../../src/lib/current-owner.ts'
import { plainJsonPieces, toPlainJson } from '../../../src/lib/json/plain-json.ts'
import { countTurns } from '../../support/count-turns.ts'
import { fc } from '../../support/fast-check.ts'
import { useTurnUp } from '../../support/hold-turn.ts'

describe('work in pieces', () => {
  test('lets the event loop turn between its pieces, and resolves with its result', async () => {
    let turns = 0
    const timer = setInterval(() => turns++, 0)
    function* work() {
      for (let i = 0; i < 20; i++) {
        for (const end = performance.now() + 2; performance.now() < end;);
        yield
      }
      return 'done'
    }
    try {
      expect(await withPauses(work(), 1)).toBe('done')
    } finally {
      clearInterval(timer)
    }
    expect(turns).toBeGreaterThan(10)
  })

  test('throws what one of its pieces throws', async () => {
    // oxlint-disable-next-line require-yield
    function* work(): Generator<undefined, void, unknown> {
      throw new Error('no')
    }
    await expect(withPauses(work())).rejects.toThrow('no')
  })
})

test('work of many requests shares one turn of the event loop: what would begin when it is used up waits for another', async () => {
  function* short() {
    yield
    return 'done'
  }
  await yieldToEventLoop()
  expect(inPieces(short())).toBe('done')
  useTurnUp()
  const works = Array.from({ length: 5 }, () => inPieces(short()))
  expect(works.every((work) => work instanceof Promise)).toBe(true)
  expect(await Promise.all(works.map((work) => Promise.resolve(work)))).toEqual(works.map(() => 'done'))
  await yieldToEventLoop()
  expect(inPieces(short())).toBe('done')
})

describe('turns of the event loop', () => {
  const notes: string[] = []
  const work = (owner: string, name: string, pieces: number) =>
    onBehalfOf(owner, async () => {
      for (let piece = 1; piece <= pieces; piece++) {
        await yieldToEventLoop()
        notes.push(`${name}${piece}`)
      }
    })

  test('are taken by owners in turn, however much work of one owner waits', async () => {
    notes.splice(0)
    const greedy = Array.from({ length: 50 }, (_, n) => work('greedy', `g${n}.`, 4))
    await work('modest', 'm', 3)
    expect(notes.filter((note) => note.startsWith('m'))).toEqual(['m1', 'm2', 'm3'])
    expect(notes.length).toBeLessThanOrEqual(7)
    await Promise.all(greedy)
    expect(notes).toHaveLength(50 * 4 + 3)
    expect(isYielding()).toBe(false)
  })

  test('are left to connections while they arrive, a bounded number in a row', async () => {
    let turns = 0
    let arrivals = 0
    let isOver = false
    const count = () => {
      turns++
      if (arrivals-- > 0) noteArrival()
      if (!isOver) setImmediate(count)
    }
    setImmediate(count)
    const turnsOf = async (connections: number) => {
      arrivals = connections
      if (connections > 0) noteArrival()
      const before = turns
      await yieldToEventLoop()
      return turns - before
    }
    await yieldToEventLoop()
    const [none, ten, endless] = [await turnsOf(0), await turnsOf(10), await turnsOf(Number.MAX_SAFE_INTEGER)]
    isOver = true
    expect(none).toBeLessThanOrEqual(2)
    expect(ten).toBeGreaterThanOrEqual(10)
    expect(ten).toBeLessThanOrEqual(13)
    expect(endless).toBeGreaterThanOrEqual(ARRIVAL_TURNS_MAX)
    expect(endless).toBeLessThanOrEqual(ARRIVAL_TURNS_MAX + 2)
  })

  test('are not shared by pieces of work, and the work of one owner is done in the order in which it yielded', async () => {
    notes.splice(0)
    const turns: number[] = []
    const count = countTurns()
    const all = Array.from({ length: 9 }, async (_, n) => {
      await onBehalfOf(['ada', 'bob', 'eve'][n % 3] ?? '', () => yieldToEventLoop())
      turns.push(count.turns)
      notes.push(String(n))
    })
    await Promise.all(all)
    count.stop()
    expect(new Set(turns).size).toBe(9)
    expect(notes).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8'])
  })
})

describe('a canonical hash', () => {
  test('is the SHA-256 of the canonical text, however the value is nested and its members ordered', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), (value) => {
        const json = value as Json
        const expected = createHash('sha256').update(canonicalJson(json)).digest('hex')
        expect(canonicalHash(json)).toBe(expected)
      }),
    )
  })

  test('of a large value, made in pieces, is the same', async () => {
    const value = Array.from({ length: 30_000 }, (_, i) => ({ [`é${i}`]: [i / 3, null, `text "${i}"`] }))
    const expected = createHash('sha256').update(canonicalJson(value)).digest('hex')
    expect(await withPauses(canonicalHashPieces(value), 0)).toBe(expected)
  })
})

test('a large value that is read in pieces is read as it is at once', async () => {
  const value = { list: Array.from({ length: 30_000 }, (_, i) => [i, { i }]) }
  expect(await withPauses(plainJsonPieces(value), 0)).toEqual(toPlainJson(value))
  const broken = { list: [...value.list, 1n] }
  expect(await withPauses(plainJsonPieces(broken), 0)).toEqual({
    ok: false,
    problem: { pointer: '/list/30000', reason: 'is a BigInt', isTooLarge: false },
  })
})
