import { describe, expect, test } from '@jest/globals'
import { readEnvironment } from '../../src/config.ts'

describe('LUME_MAX_NODES', () => {
  test.each([
    [undefined, 2_000],
    ['', 2_000],
    ['1', 1],
    ['10000', 10_000],
  ])('%j allows definitions of %d nodes', (value, expected) => {
    expect(readEnvironment({ LUME_MAX_NODES: value }).lume.maxDefinitionNodes).toBe(expected)
  })

  test.each(['0', '10001', 'many', '1e3'])('%j is refused by name', (value) => {
    expect(() => readEnvironment({ LUME_MAX_NODES: value })).toThrow('LUME_MAX_NODES')
  })
})
