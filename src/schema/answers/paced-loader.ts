import DataLoader from 'dataloader'
import { isTurnOver } from '../../lib/turns/index.ts'
import type { FieldPieces } from './field-pieces.ts'

/**
 * Answers in later turns of the event loop where the current one is used up: DataLoader settles all keys of a batch at once, and the
 * database may answer many operations in one turn.
 */
export class PacedLoader<Key, Value, CacheKey = Key> extends DataLoader<Key, Value, CacheKey> {
  readonly #pieces: FieldPieces

  constructor(
    pieces: FieldPieces,
    load: (keys: readonly Key[]) => Promise<readonly (Value | Error)[]>,
    options: DataLoader.Options<Key, Value, CacheKey> = {},
  ) {
    super(load, { ...options, batchScheduleFn: pieces.schedule })
    this.#pieces = pieces
  }

  override async load(key: Key): Promise<Value> {
    const value = await super.load(key)
    return isTurnOver() ? this.#pieces.later(value) : value
  }
}
