import { inGroups } from '../../lib/async/index.ts'

/** As many as a worker claims at once; more go in the next statement. */
const MAX_KEYS = 50

/**
 * A read of one key at a time that is done for many at once, by a statement that `readMany` answers in the order of its
 * keys. Where that fails each key is read by itself, so that what cannot be read is the fault of its own reader only.
 */
export function batched<Key, Row>(
  readMany: (keys: readonly Key[]) => Promise<readonly Row[]>,
): (key: Key) => Promise<Row> {
  return inGroups(readMany, { maxSize: MAX_KEYS, sizeOf: () => 1, keyOf: () => null })
}
