export interface LeavableOptions {
  /** Called before each item is handed out. */
  readonly onItem: () => void
  /** Whether a client that subscribes again begins where its last result ended. */
  readonly isResumable: boolean
}

/** The source of a subscription. */
interface Leavable<T> extends AsyncIterableIterator<T> {
  readonly isResumable: boolean
}

/**
 * An iterable that can be left while it waits. A generator cannot: its `return` is queued behind the `next` that is waiting, for as
 * long as nothing happens. Here the signal ends that wait first.
 */
export function leavable<T>(
  generate: (left: AbortSignal) => AsyncGenerator<T, void>,
  { onItem, isResumable: resumes }: LeavableOptions,
): Leavable<T> {
  const left = new AbortController()
  const source = generate(left.signal)
  const handOut = (item: IteratorResult<T, void>) => {
    if (!item.done) onItem()
    return item
  }
  return {
    isResumable: resumes,
    [Symbol.asyncIterator]() {
      return this
    },
    next: () => source.next().then(handOut),
    return() {
      left.abort(new Error('the subscription has ended'))
      return source.return()
    },
  }
}

/** Whether a client that subscribes to this source again begins where its last result ended. */
export function isResumable(source: AsyncIterable<unknown>): boolean {
  return 'isResumable' in source && source.isResumable === true
}
