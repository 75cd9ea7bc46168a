/**
 * An iterable that can be left while it waits. A generator cannot: its `return` stands in line behind the `next` that is
 * waiting, for as long as nothing happens. Here the signal ends that wait first.
 */
export function leavable<T>(
  generate: (left: AbortSignal) => AsyncGenerator<T, void>,
): AsyncIterableIterator<T> {
  const left = new AbortController()
  const source = generate(left.signal)
  return {
    [Symbol.asyncIterator]() {
      return this
    },
    next: () => source.next(),
    return() {
      left.abort(new Error('nobody follows any more'))
      return source.return()
    },
  }
}
