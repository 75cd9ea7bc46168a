import { readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { compileExpression, EXPRESSION_FUNCTIONS } from '../../../src/cel/expression.ts'
import { ExpressionError } from '../../../src/cel/values/error.ts'
import type { Scope } from '../../../src/cel/values/place.ts'
import { compileTemplate, renderTemplate } from '../../../src/engine/definition/template.ts'
import type { Json } from '../../../src/lib/json/json.ts'

const page = readFileSync(new URL('../../../docs/expressions.md', import.meta.url), 'utf8')
const scope = JSON.parse(/```json\n(.*?)```/s.exec(page)?.[1] ?? '') as Scope

/** The rows of the tables whose heads are these cells, without their code marks and escapes. */
function rowsOf(...head: readonly string[]): string[][] {
  const lines = page.split('\n')
  return lines.flatMap((line, i) => {
    if (line !== `| ${head.join(' | ')} |`) return []
    const rows = lines.slice(i + 2)
    return rows
      .slice(
        0,
        rows.findIndex((row) => !row.startsWith('|')),
      )
      .map(cellsOf)
  })
}

function cellsOf(row: string): string[] {
  const cells = row.slice(2, -2).split(/(?<!\\) \| /)
  return cells.map((cell) => cell.replaceAll('\\|', '|').replace(/^`([^`]*)`$/, '$1'))
}

/** What a cell says that an expression gives: JSON, or an error by its code and the beginning of its message. */
function expectGiven(cell: string, evaluate: () => Json): void {
  const [, code, message] = /^error `(\w+)`: ?(.*)$/.exec(cell) ?? []
  if (code === undefined) return expect(evaluate()).toEqual(JSON.parse(cell))
  try {
    expect(evaluate()).toBe(`no value, but ${cell}`)
  } catch (thrown) {
    if (!(thrown instanceof ExpressionError)) throw thrown
    expect([thrown.code, thrown.message]).toEqual([code, expect.stringContaining(message ?? '')])
  }
}

describe('docs/expressions.md', () => {
  const examples = rowsOf('expression', 'gives')
  const templates = rowsOf('template', 'gives')
  const functions = rowsOf('function', '', 'example', 'gives')

  test('has examples of everything', () => {
    expect([examples.length, templates.length]).toEqual([29, 5])
    expect(functions).toHaveLength(EXPRESSION_FUNCTIONS.length)
  })

  test.each(examples)('%s gives %s', (source, given) => {
    expectGiven(given, () => compileExpression(source).evaluate(scope))
  })

  test.each(templates)('the template %s gives %s', (text, given) => {
    expectGiven(given, () => renderTemplate(compileTemplate(text), scope))
  })

  test.each(functions.map(([, , example = '', given = '']) => [example, given]))(
    '%s gives %s',
    (source, given) => {
      const documented: Scope = { input: {}, execution: { startedAt: '2026-01-31T09:30:15Z' } }
      expectGiven(given, () => compileExpression(source).evaluate(documented))
    },
  )

  test('describes each function of the language, and no other', () => {
    const signatures = functions.map(([signature]) => signature)
    expect(signatures).toEqual(expect.arrayContaining(EXPRESSION_FUNCTIONS.map(({ signature }) => signature)))
  })
})
