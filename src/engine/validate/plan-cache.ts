import {
  holdTurn,
  inOneGo,
  inPieces,
  inTurns,
  isTurnOver,
  OwnerTurns,
  PIECE_MS,
  yieldToEventLoop,
  type Awaitable,
  type Pieces,
  type Turn,
} from '../../lib/turns/index.ts'
import type { OwnerId } from '../../lib/index.ts'
import { canonicalHashPieces, plainJsonPieces, type Json } from '../../lib/json/index.ts'
import type { BlockRegistry } from '../block/index.ts'
import { DEFINITION_MAX_BYTES, DEFINITION_MAX_NODES } from '../definition/index.ts'
import {
  directSchemaChecker,
  type Compilation,
  type SchemaChecker,
  type Timed,
} from '../json-schema/index.ts'
import { measureDefinition, missingSecrets, type Measure, type ValidationPieces } from './checks/index.ts'
import {
  textFault,
  unreadable,
  validationPieces,
  type Validation,
  type ValidationOptions,
} from './validate-definition.ts'

/** A document, read: its content and hash when it is plain JSON within the limits, and what validation says of it. */
export interface ReadDefinition extends Validation {
  readonly document: { readonly hash: string; readonly body: Json } | null
}

/**
 * Reads documents for an owner, for whom it may lack something that another one has. Rejects with `OwnerBusyError` when the
 * owner has too much of such work under way, unless `isRefusable` is false: for work that was accepted before.
 */
export type DefinitionReader = (
  ownerId: OwnerId,
  options?: Pick<Asker, 'isRefusable'>,
) => (document: unknown, plain?: PlainDocument | null) => Promise<ReadDefinition>

/** What is known of a document that was read before: that it is plain JSON, the bytes of its text, and the hash of its value. */
export interface PlainDocument {
  readonly hash: string
  readonly bytes: number
}

/** The secrets that the owner has set; null or undefined: they are not known, and nothing is said of them. */
export type SecretNames = ValidationOptions['secretNames']

/** For whom a definition is validated. */
export interface Asker {
  /** Large definitions of one owner are validated one after the other, in turn with those of other owners. */
  readonly ownerId: string
  /** Whether `OwnerBusyError` is an answer; false for work that was accepted before. */
  readonly isRefusable: boolean
}

/** Makes a checker of JSON Schemas that works for an asker. */
export type SchemaCheckers = (asker: Asker) => SchemaChecker

export interface PlanCacheOptions {
  readonly maxNodes?: number
  /** Default: one that keeps the thread for as long as a check takes. */
  readonly schemas?: SchemaCheckers
  /** How long a validation may keep the thread before it hands its owner's turn on, in milliseconds. */
  readonly pieceMs?: number
}

/** Validations of large definitions of one owner that may wait, beyond which `VALIDATION_BUSY` is the answer. */
export const VALIDATIONS_MAX_WAITING = 200
/** How many validated definitions are kept. */
const MAX_PLANS = 500
/** The memory that the validated definitions that are kept may take together, as estimated, in bytes. */
export const PLANS_MAX_BYTES = 96 * 1024 * 1024
/** Documents with more values or more text than this are read in pieces from the beginning. */
const SMALL_VALUES = 4_000
const SMALL_BYTES = 262_144

const NO_ASKER: Asker = { ownerId: '', isRefusable: false }

interface Kept {
  readonly validation: Validation
  readonly bytes: number
}

/**
 * Validates and compiles definitions, each once as long as it is used: a plan is a function of its content. Which secrets
 * are set is no part of it, and changes: that is looked at each time.
 *
 * A small definition has its answer at once. A large one is validated in pieces, between which others get the thread: the
 * answer is a promise then. What is validated already, or being validated for the same owner, is not validated again.
 */
export class PlanCache {
  readonly #blocks: Pick<BlockRegistry, 'get' | 'closest'>
  readonly #maxNodes: number
  readonly #schemas: SchemaCheckers
  readonly #pieceMs: number
  readonly #turns = new OwnerTurns({
    what: 'validations of large definitions',
    maxWaiting: VALIDATIONS_MAX_WAITING,
    allowance: null,
  })
  /** The one that was not asked for for the longest time first. */
  readonly #kept = new Map<string, Kept>()
  readonly #underWay = new Map<string, Promise<Validation>>()
  #bytes = 0
  /** Counts the times that everything was forgotten. */
  #generation = 0

  constructor(blocks: Pick<BlockRegistry, 'get' | 'closest'>, options: PlanCacheOptions = {}) {
    const { maxNodes = DEFINITION_MAX_NODES, schemas, pieceMs = PIECE_MS } = options
    this.#blocks = blocks
    this.#maxNodes = maxNodes
    this.#schemas = schemas ?? directCheckers()
    this.#pieceMs = pieceMs
  }

  /** Reads a document from outside, whatever it is. It is neither serialised nor hashed again where `plain` is given. */
  read(
    document: unknown,
    asker: Asker = NO_ASKER,
    plain: PlainDocument | null = null,
  ): Awaitable<ReadDefinition> {
    const measured = inPieces(
      measureDefinition(document, { blocks: this.#blocks, maxNodes: this.#maxNodes }),
      this.#pieceMs,
    )
    return measured instanceof Promise
      ? measured.then((measure) => this.#readMeasured(document, { asker, plain, measure }))
      : this.#readMeasured(document, { asker, plain, measure: measured })
  }

  #readMeasured(
    document: unknown,
    {
      asker,
      plain,
      measure,
    }: { readonly asker: Asker; readonly plain: PlainDocument | null; readonly measure: Measure },
  ): Awaitable<ReadDefinition> {
    const { excess, values, bytes } = measure
    if (excess) return { document: null, ...unreadable(excess) }
    if (plain && plain.bytes <= DEFINITION_MAX_BYTES) {
      const known = { hash: plain.hash, body: document as Json }
      return this.#join(known, this.validate(known, asker))
    }
    if (values <= SMALL_VALUES && bytes <= SMALL_BYTES) {
      const read = inOneGo(readPieces(document))
      return read.document ? this.#join(read.document, this.validate(read.document, asker)) : read
    }
    return this.#turns.run(
      asker.ownerId,
      async (turn) => {
        const read = await inTurns(readPieces(document), () => turn.handOn(), this.#pieceMs)
        if (!read.document) return read
        const { hash } = read.document
        const validation = this.#keptOne(hash) ?? (await this.#inPieces(read.document, { asker, turn }))
        return { document: read.document, ...validation }
      },
      asker,
    )
  }

  /** The validation of the document with this hash, where it is kept. */
  known(hash: string): Validation | null {
    return this.#keptOne(hash)
  }

  /** Validates a document that was read before, whose hash is known. */
  validate(
    document: { readonly hash: string; readonly body: Json },
    asker: Asker = NO_ASKER,
  ): Awaitable<Validation> {
    const { hash } = document
    const known = this.#keptOne(hash)
    if (known) return known
    const key = `${asker.ownerId} ${String(asker.isRefusable)} ${hash}`
    const shared = this.#underWay.get(key)
    if (shared) return shared
    const run = new ValidationRun(this.#pieces(document.body), this.#schemas(asker))
    const begun = run.go(this.#pieceMs)
    if (begun) return this.#keep(document, begun.validation, this.#generation)
    const generation = this.#generation
    const rest = this.#turns
      .run(asker.ownerId, (turn) => this.#finish(run, turn), asker)
      .then((validation) => this.#keep(document, validation, generation))
      .finally(() => this.#underWay.delete(key))
    this.#underWay.set(key, rest)
    return rest
  }

  /** Forgets everything: a block was registered, so what was unknown may be known. */
  clear(): void {
    this.#generation++
    this.#kept.clear()
    this.#underWay.clear()
    this.#bytes = 0
  }

  async #inPieces(
    document: { readonly hash: string; readonly body: Json },
    { asker, turn }: { readonly asker: Asker; readonly turn: Turn },
  ): Promise<Validation> {
    const generation = this.#generation
    const run = new ValidationRun(this.#pieces(document.body), this.#schemas(asker))
    return this.#keep(document, await this.#finish(run, turn), generation)
  }

  /** Hands the turn on after each piece, and while an answer about a schema is awaited. */
  async #finish(run: ValidationRun, turn: Turn): Promise<Validation> {
    for (;;) {
      await yieldToEventLoop()
      const done = run.go(this.#pieceMs)
      if (done) return done.validation
      if (run.isWaiting) await turn.outside(run.answered())
      else await turn.handOn()
    }
  }

  #pieces(body: Json): ValidationPieces<Validation> {
    return validationPieces(body, { blocks: this.#blocks, maxNodes: this.#maxNodes })
  }

  #join(
    document: { readonly hash: string; readonly body: Json },
    validation: Awaitable<Validation>,
  ): Awaitable<ReadDefinition> {
    return validation instanceof Promise
      ? validation.then((read) => ({ document, ...read }))
      : { document, ...validation }
  }

  #keptOne(hash: string): Validation | null {
    const kept = this.#forget(hash)
    if (!kept) return null
    this.#kept.set(hash, kept)
    this.#bytes += kept.bytes
    return kept.validation
  }

  #keep(
    { hash, body }: { readonly hash: string; readonly body: Json },
    validation: Validation,
    generation: number,
  ): Validation {
    if (generation !== this.#generation) return validation
    this.#forget(hash)
    const kept = { validation, bytes: this.#bytesOf(body, validation) }
    this.#kept.set(hash, kept)
    this.#bytes += kept.bytes
    for (const oldest of this.#kept.keys()) {
      const fits = this.#kept.size <= MAX_PLANS && this.#bytes <= PLANS_MAX_BYTES
      if (fits || oldest === hash) break
      this.#forget(oldest)
    }
    return validation
  }

  #forget(hash: string): Kept | undefined {
    const kept = this.#kept.get(hash)
    if (kept && this.#kept.delete(hash)) this.#bytes -= kept.bytes
    return kept
  }

  /** What a plan takes, as measured: most of it is what its expressions are compiled to. */
  #bytesOf(body: Json, { size, secretUses, diagnostics }: Validation): number {
    const { values, bytes } = inOneGo(
      measureDefinition(body, { blocks: this.#blocks, maxNodes: Number.POSITIVE_INFINITY }),
    )
    const pointers = [...secretUses, ...diagnostics].reduce(
      (length, { pointer }) => length + pointer.length,
      0,
    )
    return 2 * (bytes + pointers) + 50 * values + 2_600 * (size.expressions + size.nodes)
  }
}

/** The same validation, with the secrets that it needs and that are not set. */
export function withMissingSecrets<T extends Validation>(validation: T, secretNames: SecretNames = null): T {
  const missing = missingSecrets(validation.secretUses, secretNames)
  if (missing.length === 0) return validation
  return { ...validation, diagnostics: [...validation.diagnostics, ...missing] }
}

function* readPieces(document: unknown): Pieces<ReadDefinition> {
  const plain = yield* plainJsonPieces(document)
  const fault = textFault(plain)
  if (!plain.ok || fault) return { document: null, ...(fault ? unreadable(fault) : NOTHING_READ) }
  const { value: body } = plain
  const hash = yield* canonicalHashPieces(body)
  return { document: { hash, body }, ...NOTHING_READ }
}

const NOTHING_READ: Validation = {
  diagnostics: [],
  plan: null,
  secretUses: [],
  size: { nodes: 0, expressions: 0 },
}

/** Checkers that keep the thread for as long as a check takes. */
export function directCheckers(): SchemaCheckers {
  const checker = directSchemaChecker()
  return () => checker
}

/** A validation under way, which goes on piece by piece. */
class ValidationRun {
  readonly #pieces: ValidationPieces<Validation>
  readonly #checker: SchemaChecker
  #answer: Awaitable<Timed<Compilation>> | undefined

  constructor(pieces: ValidationPieces<Validation>, checker: SchemaChecker) {
    this.#pieces = pieces
    this.#checker = checker
  }

  /**
   * Continues until the turn of the event loop has been held for `ms` milliseconds, or to a question that has no answer yet;
   * null unless it has reached its end.
   */
  go(ms: number): { readonly validation: Validation } | null {
    holdTurn()
    while (!(this.#answer instanceof Promise)) {
      const next = this.#pieces.next(this.#answer)
      this.#answer = undefined
      if (next.done) return { validation: next.value }
      const question = next.value
      if (question) this.#answer = this.#checker.compile(question.schema, question.limitMs)
      else if (isTurnOver(ms)) return null
    }
    return null
  }

  /** Whether it waits for an answer that is not there yet. */
  get isWaiting(): boolean {
    return this.#answer instanceof Promise
  }

  /** Resolves once the answer that it waits for, if any, is there. */
  async answered(): Promise<void> {
    this.#answer = await this.#answer
  }
}
