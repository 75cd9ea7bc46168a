import type { BenchEnvironment } from './environment.ts'

const LOOK_EVERY_MS = 10

/** Tells when jobs have ended, by one query for all of them behind each round of commits. */
export class EndWatch {
  readonly #pool: BenchEnvironment['pool']
  readonly #waiting = new Map<string, () => void>()
  readonly #detach: () => void
  #looking: Promise<void> | null = null

  constructor({ pool, lume: { services } }: BenchEnvironment) {
    this.#pool = pool
    this.#detach = services.wakeups.onAnyNews(() => (this.#looking ??= this.#look()))
  }

  of(id: string): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve)
      this.#looking ??= this.#look()
    })
  }

  close(): void {
    this.#detach()
  }

  async #look(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
    const { rows } = await this.#pool.query<{ id: string }>({
      name: 'bench-ended',
      text: 'SELECT id FROM jobs WHERE id = ANY($1::uuid[]) AND finished_at IS NOT NULL',
      values: [[...this.#waiting.keys()]],
    })
    this.#looking = null
    for (const { id } of rows) {
      this.#waiting.get(id)?.()
      this.#waiting.delete(id)
    }
  }
}
