import type { HeavyWork } from '../engine/simulate/index.ts'
import { OwnerTurns } from '../lib/turns/index.ts'

/** Heavy simulations that run at the same time in one process, block tests included; more of them wait, and owners take turns. */
export const SIMULATIONS_HEAVY_MAX_AT_ONCE = 2

/** Bounds how many simulations that hold much or work long run at the same time, whoever they belong to. */
export class HeavySimulations {
  readonly #turns = new OwnerTurns({
    what: 'simulations',
    maxWaiting: Number.POSITIVE_INFINITY,
    atOnce: SIMULATIONS_HEAVY_MAX_AT_ONCE,
    allowance: null,
  })

  /** Runs a simulation, which asks for a turn once it turns out to be heavy and keeps that to its end. */
  async run<T>(owner: string, simulation: (heavyWork: HeavyWork) => Promise<T>): Promise<T> {
    let end = () => {}
    const ended = new Promise<void>((resolve) => (end = resolve))
    let begun: Promise<void> | null = null
    const begin = () => {
      begun ??= new Promise((resolve, reject) => {
        const work = () => {
          resolve()
          return ended
        }
        this.#turns.run(owner, work, { isRefusable: false }).catch(reject)
      })
      return begun
    }
    try {
      return await simulation({ begin })
    } finally {
      end()
    }
  }
}
