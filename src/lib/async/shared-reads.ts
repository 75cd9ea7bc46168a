interface Group<Value> {
  readonly keys: Set<string>
  readonly values: Promise<ReadonlyMap<string, Value>>
}

/**
 * Reads that many readers ask for in one turn of the event loop, such as all those that follow the same jobs: each group of
 * them is read together, and each key once. Nothing is kept: a later reader reads again.
 */
export class SharedReads<Value> {
  readonly #groups = new Map<string, Group<Value>>()

  /**
   * The value of each key that has one. `group` names everything else that the answer depends on; `read` of the first
   * reader reads for all of the group.
   */
  async of(
    group: string,
    keys: Iterable<string>,
    read: (keys: readonly string[]) => Promise<ReadonlyMap<string, Value>>,
  ): Promise<ReadonlyMap<string, Value>> {
    const gathered = this.#groups.get(group) ?? this.#open(group, read)
    for (const key of keys) gathered.keys.add(key)
    return gathered.values
  }

  #open(group: string, read: (keys: readonly string[]) => Promise<ReadonlyMap<string, Value>>): Group<Value> {
    const keys = new Set<string>()
    const values = new Promise<ReadonlyMap<string, Value>>((resolve, reject) => {
      setImmediate(() => {
        this.#groups.delete(group)
        read([...keys]).then(resolve, reject)
      })
    })
    const opened = { keys, values }
    this.#groups.set(group, opened)
    return opened
  }
}
