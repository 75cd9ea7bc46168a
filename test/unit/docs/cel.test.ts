import { readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { compileExpression } from '../../../src/cel/expression.ts'
import { ExpressionError } from '../../../src/cel/values/error.ts'
import type { Json } from '../../../src/lib/json/json.ts'

const page = readFileSync(new URL('../../../src/cel/README.md', import.meta.url), 'utf8')
const ROW = /^\| `(?<source>.+?)` \| [^|]+ \| (?:`(?<value>.+)`|error `(?<code>[A-Z_]+)`) \|$/gm
const rows = [...page.matchAll(ROW)].map(({ groups = {} }) => groups)

describe('src/cel/README.md', () => {
  test('has rows that can be read', () => {
    expect(rows.length).toBeGreaterThan(20)
  })

  test.each(rows.map((row) => [row.source ?? '', row] as const))(
    'says what %s evaluates to in this dialect',
    (source, { value, code }) => {
      expect(resultOf(source)).toEqual(
        code === undefined ? { value: JSON.parse(value ?? '') as Json } : { code },
      )
    },
  )
})

function resultOf(source: string): { readonly value: Json } | { readonly code: string } {
  try {
    return { value: compileExpression(source).evaluate({ input: {} }) }
  } catch (thrown) {
    if (thrown instanceof ExpressionError) return { code: thrown.code }
    throw thrown
  }
}
