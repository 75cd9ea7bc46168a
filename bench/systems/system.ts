/** The steps of an execution, as widths of stages: `[1, 100, 1]` is one step, then 100 in parallel, then one. */
export type Shape = readonly number[]

/** A system that runs executions of external steps which do nothing and return 200 bytes. */
export interface System {
  readonly name: string
  /** Stores what executions of this shape need, so that no measurement pays for that. */
  prepare(shape: Shape): Promise<void>
  /** Runs one execution. Resolves when this process, its client, knows that the execution has ended. */
  run(shape: Shape): Promise<void>
  usage(): Promise<Usage>
  close(): Promise<void>
}

/** What the processes of a system have used. */
export interface Usage {
  readonly cpuMs: number
  readonly rssMb: number
  /** Statements that Postgres has received. `null`: it runs on no Postgres server. */
  readonly statements: number | null
}

export function stepsOf(shape: Shape): number {
  return shape.reduce((sum, width) => sum + width, 0)
}

/** A chain of steps. */
export function chainOf(steps: number): Shape {
  return Array.from({ length: steps }, () => 1)
}
