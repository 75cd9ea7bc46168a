import { describe, expect, test } from '@jest/globals'
import { Frontier } from '../../../src/engine/run/advance.ts'
import type { PlanGraph } from '../../../src/engine/definition/plan.ts'
import type { JsonObject } from '../../../src/lib/json/json.ts'
import { definition, scriptedBlocks, soundPlan } from '../../support/run-definition.ts'

/** A graph of any number of nodes. */
const graphOf = (document: JsonObject): PlanGraph => soundPlan(document, scriptedBlocks({}), 1_000_000).graph

const call = (...handles: string[]) => ({ config: { handles } })

describe('E1: a node is decided when every edge into it is', () => {
  test('roots start at once, in the definition’s order', () => {
    const frontier = new Frontier(graphOf(definition({ c: {}, a: {}, b: {} }, 'c > b')))
    expect(frontier.start()).toEqual({ ready: [0, 1], skipped: [] })
  })

  test('a join waits for its last edge', () => {
    const frontier = new Frontier(graphOf(definition({ a: {}, b: {}, join: {} }, 'a > join', 'b > join')))
    expect(frontier.settle(1)).toEqual({ ready: [], skipped: [] })
    expect(frontier.settle(0)).toEqual({ ready: [2], skipped: [] })
  })

  test('a join starts although only one of its edges is live, and knows by which', () => {
    const graph = graphOf(definition({ a: call('x', 'y'), b: {}, join: {} }, 'a:x > join', 'b > join'))
    const frontier = new Frontier(graph)
    frontier.settle(0, ['y'])
    expect(frontier.settle(1)).toEqual({ ready: [2], skipped: [] })
    expect(frontier.livePredecessors(2)).toEqual([1])
  })

  test('a node is skipped when all of its edges are dead, and everything after it alone', () => {
    const document = definition(
      { a: call('x', 'y'), b: {}, c: {}, d: {}, e: {} },
      'a:x > b > c > e',
      'a:y > d > e',
    )
    const frontier = new Frontier(graphOf(document))
    expect(frontier.settle(0, ['y'])).toEqual({ ready: [3], skipped: [1, 2] })
    expect(frontier.settle(3)).toEqual({ ready: [4], skipped: [] })
    expect(frontier.livePredecessors(4)).toEqual([3])
  })

  test('live predecessors stand in the definition’s order, whatever order they ended in', () => {
    const frontier = new Frontier(
      graphOf(definition({ a: {}, b: {}, c: {}, join: {} }, 'c > join', 'b > join', 'a > join')),
    )
    for (const node of [1, 2, 0]) frontier.settle(node)
    expect(frontier.livePredecessors(3)).toEqual([0, 1, 2])
  })

  test('two edges by different handles between the same nodes make one predecessor', () => {
    const frontier = new Frontier(graphOf(definition({ a: call('x', 'y'), b: {} }, 'a:x > b', 'a:y > b')))
    expect(frontier.settle(0, ['x', 'y'])).toEqual({ ready: [1], skipped: [] })
    expect(frontier.livePredecessors(1)).toEqual([0])
  })
})

describe('E2: the handles of an outcome decide the edges', () => {
  test('an outcome without handles leaves by "out"', () => {
    const graph = graphOf(definition({ a: call('out', 'x'), b: {}, c: {} }, 'a > b', 'a:x > c'))
    expect(new Frontier(graph).settle(0)).toEqual({ ready: [1], skipped: [2] })
  })

  test('an outcome may name several handles, or none at all', () => {
    const graph = graphOf(
      definition({ a: call('x', 'y', 'z'), b: {}, c: {}, d: {} }, 'a:x > b', 'a:y > c', 'a:z > d'),
    )
    expect(new Frontier(graph).settle(0, ['z', 'x'])).toEqual({ ready: [1, 3], skipped: [2] })
    expect(new Frontier(graph).settle(0, [])).toEqual({ ready: [], skipped: [1, 2, 3] })
  })
})

describe('a graph of any depth', () => {
  const ids = Array.from({ length: 10_000 }, (_, i) => `n${i}`)
  const graph = graphOf(definition(Object.fromEntries(ids.map((id) => [id, {}])), ids.join(' > ')))

  test('10,000 nodes in a row are skipped without overflow', () => {
    const { skipped } = new Frontier(graph).settle(0, [])
    expect(skipped).toHaveLength(9_999)
  })

  test('10,000 nodes in a row are decided one by one in linear time', () => {
    const frontier = new Frontier(graph)
    let next = frontier.start().ready
    let decided = 0
    for (; next.length > 0; decided++) next = frontier.settle(next[0] ?? -1).ready
    expect(decided).toBe(10_000)
  })
})
