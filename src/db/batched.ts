import DataLoader from 'dataloader'

/** As many as a worker claims at once; more go in the next statement. */
const MAX_KEYS = 50

/**
 * A read of one key at a time that is done for many at once: what is asked for in one turn of the event loop goes out as
 * one statement. Where that fails each key is read by itself, so that what cannot be read is the fault of its own reader
 * only. Nothing is kept.
 *
 * `readMany` answers in the order of its keys.
 */
export function batched<Key, Row>(
  readMany: (keys: readonly Key[]) => Promise<readonly Row[]>,
): (key: Key) => Promise<Row> {
  const readAlone = async (key: Key): Promise<Row | Error> => {
    try {
      const [row] = await readMany([key])
      return row as Row
    } catch (fault) {
      return fault instanceof Error ? fault : new Error('a row could not be read', { cause: fault })
    }
  }
  const loader = new DataLoader<Key, Row>(
    async (keys) => {
      try {
        return await readMany(keys)
      } catch {
        return Promise.all(keys.map(readAlone))
      }
    },
    { cache: false, maxBatchSize: MAX_KEYS },
  )
  return (key) => loader.load(key)
}
