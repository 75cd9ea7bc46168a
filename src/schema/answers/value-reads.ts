import type DataLoader from 'dataloader'
import type { GraphQLResolveInfo } from 'graphql'
import type { LoggedValueKey } from '../../db/log-reads/index.ts'
import type { StoredValueKind, ValueStore } from '../../db/stores/index.ts'
import { yieldToEventLoop } from '../../lib/turns/index.ts'
import type { OwnerId } from '../../lib/index.ts'
import { jsonHeapSize, JsonText, type Json } from '../../lib/json/index.ts'
import type { AnswerBudget } from './answer-budget.ts'
import type { FieldPieces } from './field-pieces.ts'
import { PacedLoader } from './paced-loader.ts'

/** A text of at least this length is parsed in a separate turn of the event loop. */
const LARGE_TEXT_LENGTH = 64 * 1024

/** The field that asks for a value; errors name it. */
type Asking = Pick<GraphQLResolveInfo, 'parentType' | 'fieldName'>

/** Reads stored values for one operation, within its budget: what the rows of a page ask for in one statement, and once. */
export interface ValueReads {
  /** A value of a row for the answer, which is written as it is stored; null where there is none. */
  text(kind: StoredValueKind, id: string, asking: Asking): Promise<JsonText | null>
  /** A value of a row that a resolver looks into; null where there is none. */
  parsed(kind: StoredValueKind, id: string, asking: Asking): Promise<Json | null>
  /** A value of a job's log for the answer; null where there is none. */
  loggedText(key: LoggedValueKey | null, asking: Asking): Promise<JsonText | null>
  /** A value of a job's log that a resolver looks into; null where there is none. */
  loggedJson(key: LoggedValueKey | null, asking: Asking): Promise<Json | null>
}

export interface ValueReadsOptions {
  readonly store: ValueStore
  readonly ownerId: OwnerId
  readonly budget: AnswerBudget
  readonly pieces: FieldPieces
}

/** What is asked for, and the field that asks for it. */
interface Wanted<Key> {
  readonly key: Key
  readonly field: string
}

type Loader<Key> = DataLoader<Wanted<Key>, string | null, string>

export function createValueReads({ store, ownerId, budget, pieces }: ValueReadsOptions): ValueReads {
  const ofRows = new Loaders<StoredValueKind, string>(
    pieces,
    (key) => key,
    (kind, wanted) =>
      budget.read(wanted[0]?.field ?? kind, (maxBytes) =>
        store.read(
          ownerId,
          kind,
          wanted.map(({ key }) => key),
          maxBytes,
        ),
      ),
  )
  const ofLogs = new Loaders<LoggedValueKey['kind'], LoggedValueKey>(pieces, nameOfLogged, (kind, wanted) =>
    budget.read(wanted[0]?.field ?? kind, (maxBytes) =>
      store.readLogged(
        wanted.map(({ key }) => key),
        maxBytes,
      ),
    ),
  )
  const parse = async (text: string | null, asking: Asking): Promise<Json | null> => {
    if (text === null) return null
    budget.parse(nameOf(asking), jsonHeapSize(text).heapBytes)
    if (text.length >= LARGE_TEXT_LENGTH) await yieldToEventLoop()
    return JSON.parse(text) as Json
  }
  const readLogged = async (key: LoggedValueKey | null, asking: Asking) =>
    key && ofLogs.read(key.kind, { key, field: nameOf(asking) })
  const values = new Map<string, Promise<Json | null>>()
  const parseOnce = (name: string, read: () => Promise<string | null>, asking: Asking) => {
    const value = values.get(name) ?? read().then((text) => parse(text, asking))
    values.set(name, value)
    return value
  }
  return {
    async text(kind, key, asking) {
      return toText(await ofRows.read(kind, { key, field: nameOf(asking) }))
    },
    parsed: (kind, key, asking) =>
      parseOnce(`${kind} ${key}`, () => ofRows.read(kind, { key, field: nameOf(asking) }), asking),
    loggedText: async (key, asking) => toText(await readLogged(key, asking)),
    async loggedJson(key, asking) {
      return key && parseOnce(`${key.kind} ${nameOfLogged(key)}`, () => readLogged(key, asking), asking)
    },
  }
}

/** One loader for each kind of values. */
class Loaders<Kind, Key> {
  readonly #loaders = new Map<Kind, Loader<Key>>()
  readonly #pieces: FieldPieces
  readonly #nameOf: (key: Key) => string
  readonly #load: (kind: Kind, wanted: readonly Wanted<Key>[]) => Promise<readonly (string | null)[]>

  constructor(
    pieces: FieldPieces,
    nameOf: (key: Key) => string,
    load: (kind: Kind, wanted: readonly Wanted<Key>[]) => Promise<readonly (string | null)[]>,
  ) {
    this.#pieces = pieces
    this.#nameOf = nameOf
    this.#load = load
  }

  read(kind: Kind, wanted: Wanted<Key>): Promise<string | null> {
    const known = this.#loaders.get(kind)
    if (known) return known.load(wanted)
    const loader: Loader<Key> = new PacedLoader(this.#pieces, (some) => this.#load(kind, some), {
      cacheKeyFn: ({ key }) => this.#nameOf(key),
    })
    this.#loaders.set(kind, loader)
    return loader.load(wanted)
  }
}

function nameOfLogged({ id, entry, path }: LoggedValueKey): string {
  return `${id} ${entry.entryNo} ${path}`
}

function toText(text: string | null): JsonText | null {
  return text === null ? null : new JsonText(text)
}

function nameOf({ parentType, fieldName }: Asking): string {
  return `${parentType.name}.${fieldName}`
}
