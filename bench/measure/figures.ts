import { median } from './samples.ts'

/** What was measured of one system, by name; each name ends in its unit. `null`: it cannot be measured here. */
export type Figures = Readonly<Record<string, number | null>>

/** The median of each figure. */
export function medians(rounds: readonly Figures[]): Figures {
  const names = [...new Set(rounds.flatMap((round) => Object.keys(round)))]
  return Object.fromEntries(
    names.map((name) => {
      const values = rounds.map((round) => round[name]).filter((value) => typeof value === 'number')
      return [name, values.length === 0 ? null : median(values)]
    }),
  )
}
