import type { Row } from './measure/compare.ts'
import type { Figures } from './measure/figures.ts'
import type { Outcome } from './workloads/workload.ts'

export interface Report extends Outcome {
  readonly workload: string
  readonly title: string
  readonly database: 'server' | 'embedded'
  /** What the figure `statementsPerExecution` counts. */
  readonly statementUnit: string
  readonly rounds: number
}

/** Prints one table for people and one line of JSON for programs. */
export function printReport({ rows, ratios, title, ...facts }: Report): void {
  const lines = [['', ...columnsOf(rows)], ...rows.map((row) => cellsOf(row, columnsOf(rows)))]
  const widths = (lines[0] ?? []).map((_, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0)),
  )
  console.log(`\n${title} (${facts.database})`)
  for (const line of lines) console.log(line.map((cell, column) => pad(cell, column, widths)).join('  '))
  for (const [name, value] of Object.entries(ratios)) console.log(`${name}: ${format(value)}`)
  console.log(
    JSON.stringify({
      ...facts,
      node: process.version,
      systems: Object.fromEntries(rows.map(([name, figures]) => [name, roundAll(figures)])),
      ratios: roundAll(ratios),
    }),
  )
}

function columnsOf(rows: readonly Row[]): readonly string[] {
  return [...new Set(rows.flatMap(([, figures]) => Object.keys(figures)))]
}

function cellsOf([name, figures]: Row, columns: readonly string[]): string[] {
  return [name, ...columns.map((column) => format(figures[column] ?? null))]
}

function pad(cell: string, column: number, widths: readonly number[]): string {
  const width = widths[column] ?? 0
  return column === 0 ? cell.padEnd(width) : cell.padStart(width)
}

function format(value: number | null): string {
  return value === null || Number.isNaN(value) ? '-' : String(rounded(value))
}

function roundAll(figures: Figures): Figures {
  return Object.fromEntries(
    Object.entries(figures).map(([name, value]) => [name, value === null ? null : rounded(value)]),
  )
}

/** Four significant digits, and no fraction from 1,000 on. */
function rounded(value: number): number {
  return Math.abs(value) >= 1_000 ? Math.round(value) : Number(value.toPrecision(4))
}
