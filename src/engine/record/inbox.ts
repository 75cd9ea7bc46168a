/** What others ask of a job; `number` is its place in the job's inbox, from 1. */
export type Command = { readonly number: number } & (
  | { readonly kind: 'CANCEL' }
  | { readonly kind: 'PAUSE' }
  | { readonly kind: 'RESUME' }
  /**
   * `path`: only for the step there; null: for whichever step waits first for a signal of this name. `bytes`: the length of its
   * payload as JSON text, 0 for null. The payload stays in the tables until a wait takes the signal (see `RunJournal.signalPayload`).
   */
  | { readonly kind: 'SIGNAL'; readonly name: string; readonly path: string | null; readonly bytes: number }
  /** A child execution has ended. */
  | { readonly kind: 'CHILD_ENDED'; readonly executionId: string }
)
export type CommandKind = Command['kind']

export type Signal = Extract<Command, { kind: 'SIGNAL' }>

/** The memory that one command takes beyond its texts, roughly and in bytes. */
const COMMAND_HEAP_BYTES = 128

/**
 * What a run knows of its job's inbox (D8): whether it is to cancel or to pause, and the signals that nobody has used.
 * Commands are delivered in the order of their numbers; delivered again, they change nothing.
 */
export class Inbox {
  readonly #canceled = new AbortController()
  readonly #listeners = new Set<() => void>()
  readonly #signals: Signal[] = []
  readonly #endedChildren = new Set<string>()
  #isPaused = false
  #last = 0
  #heapBytes = 0

  deliver(commands: readonly Command[]): void {
    for (const command of commands) {
      if (command.number <= this.#last) continue
      this.#last = command.number
      this.#heapBytes += heapBytesOf(command)
      this.#take(command)
    }
    this.#tell()
  }

  /** Aborts when a user cancels the job. */
  get canceled(): AbortSignal {
    return this.#canceled.signal
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  /** The number of the newest command that was delivered. */
  get last(): number {
    return this.#last
  }

  /** An estimate of the memory that the delivered commands take, in bytes. It never falls. */
  get heapBytes(): number {
    return this.#heapBytes
  }

  /** Takes the oldest signal of that name which the step at `path` may use; null when there is none. */
  takeSignal(name: string, path: string): Signal | null {
    const index = this.#signals.findIndex(
      (signal) => signal.name === name && (signal.path === null || signal.path === path),
    )
    return index < 0 ? null : (this.#signals.splice(index, 1)[0] ?? null)
  }

  /** Puts a signal that was taken and not used back to its place: another wait may use it. */
  giveBack(signal: Signal): void {
    const index = this.#signals.findIndex(({ number }) => number > signal.number)
    this.#signals.splice(index < 0 ? this.#signals.length : index, 0, signal)
    this.#tell()
  }

  /** True once the inbox has told that this child has ended. */
  hasEnded(childId: string): boolean {
    return this.#endedChildren.has(childId)
  }

  /** Calls back after every delivery, and when a signal is there again, until the returned function is called. */
  onDelivery(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }

  #take(command: Command): void {
    switch (command.kind) {
      case 'CANCEL':
        return this.#canceled.abort(new Error('a user canceled the job'))
      case 'PAUSE':
        this.#isPaused = true
        return
      case 'RESUME':
        this.#isPaused = false
        return
      case 'SIGNAL':
        this.#signals.push(command)
        return
      case 'CHILD_ENDED':
        this.#endedChildren.add(command.executionId)
    }
  }
}

/** Texts are counted as two bytes a character. */
function heapBytesOf(command: Command): number {
  if (command.kind === 'SIGNAL')
    return COMMAND_HEAP_BYTES + 2 * (command.name.length + (command.path?.length ?? 0))
  return COMMAND_HEAP_BYTES
}
