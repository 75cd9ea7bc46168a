import { describe, expect, test } from '@jest/globals'
import { fc } from '../../support/fast-check.ts'
import { closest } from '../../../src/lib/text/suggest.ts'

/** The plain textbook form. */
function levenshtein(a: string, b: string): number {
  const table = Array.from({ length: a.length + 1 }, (_, i) => [
    i,
    ...Array.from({ length: b.length }, () => 0),
  ])
  const at = (i: number, j: number) => table[i]?.[j] ?? 0
  for (let j = 1; j <= b.length; j++) (table[0] as number[])[j] = j
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1
      ;(table[i] as number[])[j] = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + cost)
    }
  }
  return at(a.length, b.length)
}

describe('closest', () => {
  test.each([
    ['core.fliter', 'core.filter'],
    ['CORE.FILTER', 'core.filter'],
    ['core.filtr', 'core.filter'],
    ['api.htttp', 'api.http'],
    ['apihttp', 'api.http'],
  ])('%s means %s', (word, meant) => {
    expect(closest(word, ['api.http', 'core.filter', 'core.branch'])).toBe(meant)
  })

  test('nothing near is null, and so is a word that nobody reads letter by letter', () => {
    expect(closest('acme.teleport', ['core.filter'])).toBeNull()
    expect(closest('x', ['index', 'input'])).toBeNull()
    expect(closest('a'.repeat(65), ['a'.repeat(64)])).toBeNull()
    expect(closest('word', [])).toBeNull()
  })

  test('of two that are as near the first is taken', () => {
    expect(closest('nods', ['node', 'nodes', 'nod'])).toBe('node')
  })

  test('it is the nearest by the textbook distance, when that is within a third of the letters', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 14 })
    fc.assert(
      fc.property(word, fc.array(word, { maxLength: 6 }), (misspelt, candidates) => {
        const limit = misspelt.length < 4 ? 1 : Math.min(5, Math.max(2, Math.floor(misspelt.length / 3)))
        const distances = candidates.map((candidate) => levenshtein(misspelt, candidate))
        const least = Math.min(...distances)
        expect(closest(misspelt, candidates)).toBe(
          least <= limit ? candidates[distances.indexOf(least)] : null,
        )
      }),
      { numRuns: 500 },
    )
  })
})
