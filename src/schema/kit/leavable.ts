/**
 * An iterable that can be left while it waits. A generator cannot: its `return` stands in line behind the `next` that is
 * waiting, for as long as nothing happens. Here the signal ends that wait first. `onItem` is called before each item is
 * handed out.
 */
export function leavable<T>(
  generate: (left: AbortSignal) => AsyncGenerator<T, void>,
  onItem: () => void,
): AsyncIterableIterator<T> {
  const left = new AbortController()
  const source = generate(left.signal)
  const handOut = (item: IteratorResult<T, void>) => {
    if (!item.done) onItem()
    return item
  }
  return {
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
