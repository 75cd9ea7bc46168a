/**
 * Queues of many owners who take turns: the owner whose turn is next comes first, an owner whose item is taken goes behind all
 * others, and each owner's items keep the order in which they came. Taking the next item costs the same however many owners wait.
 */
export class OwnerQueues<T> {
  /** No queue is empty. The owner whose turn is next comes first. */
  readonly #queues = new Map<string, T[]>()
  #size = 0

  /** The number of items of all owners. */
  get size(): number {
    return this.#size
  }

  /** The owners that have items, in the order of their turns. */
  owners(): Iterable<string> {
    return this.#queues.keys()
  }

  /** The owner's items in their order. */
  itemsOf(owner: string): readonly T[] {
    return this.#queues.get(owner) ?? []
  }

  /** Adds an item behind the owner's other items. */
  push(owner: string, item: T): void {
    const queue = this.#queues.get(owner)
    if (queue) queue.push(item)
    else this.#queues.set(owner, [item])
    this.#size++
  }

  /** Removes an item that does not take its turn. False if the owner has no such item. */
  remove(owner: string, item: T): boolean {
    const queue = this.#queues.get(owner)
    const at = queue?.indexOf(item) ?? -1
    if (!queue || at < 0) return false
    queue.splice(at, 1)
    this.#size--
    if (queue.length === 0) this.#queues.delete(owner)
    return true
  }

  /** Removes an item that takes its turn, which puts the owner's other items behind those of all other owners. */
  take(owner: string, item: T): boolean {
    if (!this.remove(owner, item)) return false
    this.defer(owner)
    return true
  }

  /** Puts the owner's items, if there are any, behind those of all other owners. */
  defer(owner: string): void {
    const queue = this.#queues.get(owner)
    if (!queue) return
    this.#queues.delete(owner)
    this.#queues.set(owner, queue)
  }

  /** The first item of the owner whose turn is next; undefined if there is none. */
  first(): { readonly owner: string; readonly item: T } | undefined {
    for (const [owner, [item]] of this.#queues) if (item !== undefined) return { owner, item }
    return undefined
  }

  /** Takes the first item of the owner whose turn is next; undefined if there is none. */
  takeFirst(): T | undefined {
    const first = this.first()
    if (first) this.take(first.owner, first.item)
    return first?.item
  }
}
