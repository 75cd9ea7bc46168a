/** How much the workloads do: the numbers of the targets, unless the environment names smaller ones for a trial. */
export interface Sizes {
  /** How many rounds are measured; the figures are their medians. */
  readonly rounds: number
  /** How many executions each system runs before it is measured. */
  readonly warmUp: number
  /** How many executions the lists of W8 hold. */
  readonly rows: number
  /** How long the transaction of `snapshot` stays open, in seconds. */
  readonly heldSeconds: number
  /** A number of executions, steps, items or subscribers, times `BENCH_SCALE`, at least `least`. */
  scaled(count: number, least?: number): number
}

export function readSizes(environment: NodeJS.ProcessEnv): Sizes {
  const read = (name: string, value: number) => {
    const given = environment[name]
    if (given === undefined || given === '') return value
    const number = Number(given)
    if (!(number > 0)) throw new Error(`${name} is "${given}": it must be a number above 0.`)
    return number
  }
  const scale = read('BENCH_SCALE', 1)
  return {
    rounds: read('BENCH_ROUNDS', 3),
    warmUp: read('BENCH_WARM_UP', 1_500),
    rows: read('BENCH_ROWS', 1_000_000),
    heldSeconds: read('BENCH_HELD_SECONDS', 300),
    scaled: (count, least = 1) => Math.max(least, Math.round(count * scale)),
  }
}
