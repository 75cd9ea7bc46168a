import type { System } from '../systems/system.ts'
import { medians, type Figures } from './figures.ts'

/** What was measured of each system, in the order of the systems. */
export type Row = readonly [system: string, figures: Figures]

/**
 * Measures the systems in turns, so that a disturbance of the machine meets all of them, and takes the median of each
 * figure. One round of each system comes before and is not counted.
 */
export async function compare(
  systems: readonly System[],
  rounds: number,
  measure: (system: System) => Promise<Figures>,
): Promise<readonly Row[]> {
  const measured = new Map<string, Figures[]>(systems.map(({ name }) => [name, []]))
  for (const system of systems) await measure(system)
  for (let round = 0; round < rounds; round++) {
    for (const system of systems) measured.get(system.name)?.push(await measure(system))
  }
  return [...measured].map(([name, figures]) => [name, medians(figures)])
}

/** Lume's figure divided by the same figure of every other system. */
export function ratiosOf(rows: readonly Row[], figure: string): Figures {
  const lume = rows.find(([name]) => name === 'lume')?.[1][figure] ?? null
  return Object.fromEntries(
    rows
      .filter(([name]) => name !== 'lume')
      .map(([name, figures]) => {
        const other = figures[figure] ?? null
        return [
          `${figure}ToThatOf${capitalised(name)}`,
          lume === null || other === null ? null : lume / other,
        ]
      }),
  )
}

function capitalised(name: string): string {
  return name.replaceAll(/(?:^|-)(\w)/g, (_match, letter: string) => letter.toUpperCase())
}
