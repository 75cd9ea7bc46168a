import type { BenchEnvironment } from './environment.ts'

const LOOK_EVERY_MS = 10

/** Tells when jobs have ended, by one query for all of them behind each round of commits. */
export class EndWatch {
  readonly #pool: BenchEnvironment['pool']
  readonly #waiting = new Map<string, () => void>()
  readonly #detach: () => void
  #isLooking = false
  /** There was news since the look that is under way began. */
  #isStale = false

  constructor({ pool, lume: { services } }: BenchEnvironment) {
    this.#pool = pool
    this.#detach = services.wakeups.onAnyNews(() => this.#request())
  }

  of(id: string): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve)
      this.#request()
    })
  }

  close(): void {
    this.#detach()
  }

  #request(): void {
    this.#isStale = true
    if (!this.#isLooking) void this.#look()
  }

  async #look(): Promise<void> {
    this.#isLooking = true
    while (this.#isStale) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
      this.#isStale = false
      const { rows } = await this.#pool.query<{ id: string }>({
        name: 'bench-ended',
        text: 'SELECT id FROM jobs WHERE id = ANY($1::uuid[]) AND finished_at IS NOT NULL',
        values: [[...this.#waiting.keys()]],
      })
      for (const { id } of rows) {
        this.#waiting.get(id)?.()
        this.#waiting.delete(id)
      }
    }
    this.#isLooking = false
  }
}
