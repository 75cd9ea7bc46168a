import type { Json } from '../../../lib/json/index.ts'
import type { HeldOutputs } from '../../memory/index.ts'
import type { StepFailure } from '../../record/index.ts'
import type { OpenableValues } from './frame.ts'
import type { GraphScope } from './graph-scope.ts'

/** What a step reads. */
export interface ReadValues {
  /** E3. */
  readonly input: Json
  /** What its expressions see. */
  readonly scope: GraphScope
}

export interface StepValuesOptions {
  readonly outputs: Pick<HeldOutputs, 'pin' | 'unpin'>
  /** The steps whose outputs it reads. */
  readonly paths: readonly string[]
  /** What those make, once they are in memory; each is called when it is first asked for. */
  readonly make: { input(): Json; scope(): GraphScope }
  /** What there is until then, and after `close`. */
  readonly closed: ReadValues
}

/** The values that one step reads: in memory from `open` to `close`. */
export class StepValues implements OpenableValues {
  readonly #options: StepValuesOptions
  #input: Json | undefined
  #scope: GraphScope | undefined
  #isOpen = false

  constructor(options: StepValuesOptions) {
    this.#options = options
  }

  get input(): Json {
    const { make, closed } = this.#options
    return this.#isOpen ? (this.#input ??= make.input()) : closed.input
  }

  get scope(): GraphScope {
    const { make, closed } = this.#options
    return this.#isOpen ? (this.#scope ??= make.scope()) : closed.scope
  }

  /** Returns why the values cannot be brought into memory; null on success, without a promise if they were there. */
  open(signal: AbortSignal): null | Promise<StepFailure | null> {
    const { outputs, paths } = this.#options
    const pinned = outputs.pin(paths, signal)
    if (pinned === null) return this.#opened(null)
    return pinned.then((failure) => this.#opened(failure))
  }

  close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#input = undefined
    this.#scope = undefined
    this.#options.outputs.unpin(this.#options.paths)
  }

  #opened<Failure extends StepFailure | null>(failure: Failure): Failure {
    if (failure === null) this.#isOpen = true
    return failure
  }
}
