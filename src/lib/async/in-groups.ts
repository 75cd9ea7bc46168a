export interface GroupLimits<Item> {
  /** No group grows beyond this; the rest goes next. One item alone may be larger. */
  readonly maxSize: number
  readonly sizeOf: (item: Item) => number
  /** Two items of the same key never meet in one group; null stands for no key. */
  readonly keyOf: (item: Item) => string | null
  /** Whether the failure of a group is that of each of its items, so that the call is not repeated item by item. Default: it is not. */
  readonly isOfAll?: (fault: unknown) => boolean
}

/**
 * Turns a call for many into calls for one: while a call is under way, whatever is asked for meanwhile gathers, and goes
 * in the next. A group that fails is asked for again item by item, so that only the guilty one fails, unless `isOfAll`.
 */
export function inGroups<Item, Result>(
  call: (items: readonly Item[]) => Promise<readonly Result[]>,
  limits: GroupLimits<Item>,
): (item: Item) => Promise<Result> {
  let waiting: Waiting<Item, Result>[] = []
  let isCalling = false

  const callFor = async (group: readonly Waiting<Item, Result>[]): Promise<void> => {
    try {
      const results = await call(group.map(({ item }) => item))
      for (const [i, { resolve }] of group.entries()) resolve(results[i] as Result)
    } catch (fault) {
      if (group.length === 1 || limits.isOfAll?.(fault)) for (const { reject } of group) reject(fault)
      else for (const one of group) await callFor([one])
    }
  }
  const callAll = async (): Promise<void> => {
    isCalling = true
    // Everything that is asked for in this turn of the event loop belongs to the first group.
    await Promise.resolve()
    while (waiting.length > 0) {
      const { group, rest } = takeGroup(waiting, limits)
      waiting = rest
      await callFor(group)
    }
    isCalling = false
  }
  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject })
      if (!isCalling) void callAll()
    })
}

interface Waiting<Item, Result> {
  readonly item: Item
  readonly resolve: (result: Result) => void
  readonly reject: (reason: unknown) => void
}

function takeGroup<Item, Result>(
  waiting: readonly Waiting<Item, Result>[],
  { maxSize, sizeOf, keyOf }: GroupLimits<Item>,
) {
  const group: Waiting<Item, Result>[] = []
  const rest: Waiting<Item, Result>[] = []
  const keys = new Set<string>()
  let size = 0
  for (const one of waiting) {
    const key = keyOf(one.item)
    size += sizeOf(one.item)
    const hasRoom = group.length === 0 || size <= maxSize
    if (!hasRoom || (key !== null && keys.has(key))) {
      rest.push(one)
      continue
    }
    if (key !== null) keys.add(key)
    group.push(one)
  }
  return { group, rest }
}
