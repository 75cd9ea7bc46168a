import type { Row } from '../measure/compare.ts'
import type { Figures } from '../measure/figures.ts'
import type { Sizes } from '../sizes.ts'
import type { BenchPostgres } from '../systems/postgres.ts'
import type { Systems } from '../systems/systems.ts'

/** One measurement that one command runs. */
export interface Workload {
  /** What is measured, in one line. */
  readonly title: string
  /** Whether Lume must run on a Postgres server, because the workload reads or writes its tables. */
  readonly needsServer?: boolean
  run(bench: Bench): Promise<Outcome>
}

/** What a workload works with. */
export interface Bench {
  readonly systems: Systems
  readonly sizes: Sizes
  readonly postgres: BenchPostgres
}

export interface Outcome {
  readonly rows: readonly Row[]
  /** Figures that the targets name: ratios, shares and differences. */
  readonly ratios: Figures
}
