import DataLoader from 'dataloader'
import type { GraphQLResolveInfo } from 'graphql'
import type { StoredValueKey, StoredValueKind, ValueStore } from '../../db/stores/index.ts'
import { yieldToEventLoop } from '../../lib/async/index.ts'
import type { OwnerId } from '../../lib/index.ts'
import { jsonHeapSize, JsonText, type Json } from '../../lib/json/index.ts'
import type { AnswerBudget } from './answer-budget.ts'

/** A text of at least this length is parsed in a separate turn of the event loop. */
const LARGE_TEXT_LENGTH = 64 * 1024

/** The field that asks for a value; errors name it. */
type Asking = Pick<GraphQLResolveInfo, 'parentType' | 'fieldName'>

/** Reads stored values for one operation, within its budget: what the rows of a page ask for in one statement, and once. */
export interface ValueReads {
  /** A value for the answer, which is written as it is stored; null where there is none. */
  text(kind: StoredValueKind, key: StoredValueKey | string, asking: Asking): Promise<JsonText | null>
  /** A value that a resolver looks into; null where there is none. */
  parsed(kind: StoredValueKind, key: StoredValueKey | string, asking: Asking): Promise<Json | null>
}

export interface ValueReadsOptions {
  readonly store: ValueStore
  readonly ownerId: OwnerId
  readonly budget: AnswerBudget
}

interface Wanted extends StoredValueKey {
  readonly field: string
}

export function createValueReads({ store, ownerId, budget }: ValueReadsOptions): ValueReads {
  const loaders = new Map<StoredValueKind, DataLoader<Wanted, string | null, string>>()
  const values = new Map<string, Promise<Json | null>>()
  const loaderOf = (kind: StoredValueKind) => {
    const known = loaders.get(kind)
    if (known) return known
    const loader = new DataLoader<Wanted, string | null, string>(
      (wanted) =>
        budget.read(wanted[0]?.field ?? kind, (maxBytes) => store.read(ownerId, kind, wanted, maxBytes)),
      { cacheKeyFn: ({ id, path }) => `${id} ${path}` },
    )
    loaders.set(kind, loader)
    return loader
  }
  const read = (kind: StoredValueKind, key: StoredValueKey | string, asking: Asking) =>
    loaderOf(kind).load({ ...(typeof key === 'string' ? { id: key, path: '' } : key), field: nameOf(asking) })
  const parse = async (text: string | null, asking: Asking): Promise<Json | null> => {
    if (text === null) return null
    budget.parse(nameOf(asking), jsonHeapSize(text).heapBytes)
    if (text.length >= LARGE_TEXT_LENGTH) await yieldToEventLoop()
    return JSON.parse(text) as Json
  }
  return {
    async text(kind, key, asking) {
      const text = await read(kind, key, asking)
      return text === null ? null : new JsonText(text)
    },
    parsed(kind, key, asking) {
      const name = `${kind} ${typeof key === 'string' ? key : `${key.id} ${key.path}`}`
      const value = values.get(name) ?? read(kind, key, asking).then((text) => parse(text, asking))
      values.set(name, value)
      return value
    },
  }
}

function nameOf({ parentType, fieldName }: Asking): string {
  return `${parentType.name}.${fieldName}`
}
