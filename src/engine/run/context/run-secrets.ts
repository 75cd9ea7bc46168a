import { withPauses } from '../../../lib/turns/index.ts'
import { LumeError } from '../../../lib/index.ts'
import type { Json } from '../../../lib/json/index.ts'
import { BlockError, type BlockSecrets } from '../../block/index.ts'
import type { EventDraft, JobEnd, JournalEntry } from '../../record/index.ts'
import { Scrubber } from '../../scrub/index.ts'
import type { SecretSource } from './secrets.ts'

/**
 * The secrets that a run has opened. Each is known to the scrubber before a block sees it, and everything that is
 * recorded passes the scrubber (P7).
 */
export class RunSecrets {
  readonly scrubber = new Scrubber()
  readonly #source: SecretSource
  readonly #values = new Map<string, string>()

  constructor(source: SecretSource) {
    this.#source = source
  }

  /** From here on what these are now is masked, whoever says it. */
  async know(names: readonly string[]): Promise<void> {
    if (names.length === 0) return
    try {
      const found = await this.#source.open(names)
      // Where there is no room for a value, the step that opens it fails.
      for (const value of found.values()) if (!(await this.#learn(value))) return
    } catch (fault) {
      // One that cannot be read fails the step that needs it; the others are known all the same.
      if (!(fault instanceof LumeError)) throw fault
      if (names.length > 1) for (const name of names) await this.know([name])
    }
  }

  /** False where there is no room for the value. */
  async #learn(value: string): Promise<boolean> {
    try {
      await withPauses(this.scrubber.addPieces(value))
      return true
    } catch (fault) {
      if (fault instanceof LumeError) return false
      throw fault
    }
  }

  /** Opens these for one attempt: the next attempt opens them again, since their values may have changed. Null: there are none. */
  open(names: readonly string[]): null | Promise<void> {
    return names.length === 0 ? null : this.#open(names)
  }

  async #open(names: readonly string[]): Promise<void> {
    const found = await this.#source.open(names)
    for (const name of names) {
      const value = found.get(name)
      if (value === undefined) this.#values.delete(name)
      else {
        await withPauses(this.scrubber.addPieces(value))
        this.#values.set(name, value)
      }
    }
  }

  /** What a template sees as `secrets`. */
  scope(names: readonly string[]): { readonly [name: string]: string } {
    return Object.fromEntries(
      names.flatMap((name) => {
        const value = this.#values.get(name)
        return value === undefined ? [] : [[name, value]]
      }),
    )
  }

  /** What a block sees: only what it declares, or its config names. */
  view(declared: readonly string[]): BlockSecrets {
    const find = (name: string): string | null => {
      if (declared.includes(name)) return this.#values.get(name) ?? null
      throw new BlockError('SECRET_UNDECLARED', `The block does not declare the secret "${name}".`)
    }
    return {
      find,
      get(name) {
        const value = find(name)
        if (value !== null) return value
        throw new BlockError('SECRET_MISSING', `There is no secret "${name}"; set it by \`setSecret\`.`)
      },
    }
  }

  /** What may be recorded of an entry. */
  scrub(entry: JournalEntry): JournalEntry {
    const { scrubber } = this
    if (scrubber.isIdle) return entry
    const text = (json: string | null) => (json === null ? null : scrubber.json(json))
    const { events, steps = [], values = [], items = [], checkpoints = [], job } = entry
    return {
      ...entry,
      events: events.map((event) => ({ ...event, body: scrubber.value(event.body as Json) }) as EventDraft),
      steps: steps.map((step) => ({
        ...step,
        attempts: scrubber.value(step.attempts),
        error: scrubber.value(step.error),
      })),
      values: values.map(({ path, config, output }) => ({
        path,
        config: scrubber.json(config),
        output: text(output),
      })),
      items: items.map((item) => ({
        ...item,
        output: text(item.output),
        error: scrubber.value(item.error),
      })),
      checkpoints: checkpoints.map((one) => ({ ...one, value: scrubber.json(one.value) })),
      job: job.end ? { ...job, end: this.#scrubEnd(job.end) } : job,
    }
  }

  #scrubEnd(end: JobEnd): JobEnd {
    switch (end.status) {
      case 'COMPLETED':
        return { ...end, output: this.scrubber.json(end.output) }
      case 'FAILED':
        return { ...end, error: this.scrubber.value(end.error) }
      case 'CANCELED':
        return end
    }
  }
}
