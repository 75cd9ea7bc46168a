import { canonicalHash } from '../lib/canonical-json.ts'
import type { Json } from '../lib/json.ts'
import { toPlainJson } from '../lib/plain-json.ts'
import type { BlockRegistry } from './registry.ts'
import { validateDefinition, type Validation } from './validate/index.ts'

/** A document, read: its content and hash when it is plain JSON at all, and what validation says of it. */
export interface ReadDefinition extends Validation {
  readonly document: { readonly hash: string; readonly body: Json } | null
}

const MAX_PLANS = 500
/** How much definition text the plans that are kept stand for, together, in characters. */
const MAX_PLANNED_LENGTH = 32 * 1024 * 1024

/** Validates and compiles definitions, each once as long as it is used: a plan is a function of its content. */
export class PlanCache {
  readonly #blocks: Pick<BlockRegistry, 'get' | 'closest'>
  /** The one that was not asked for for the longest time first. */
  readonly #kept = new Map<string, { readonly validation: Validation; readonly length: number }>()
  #length = 0

  constructor(blocks: Pick<BlockRegistry, 'get' | 'closest'>) {
    this.#blocks = blocks
  }

  /** Reads a document from outside, whatever it is. */
  read(document: unknown): ReadDefinition {
    const plain = toPlainJson(document)
    if (!plain.ok) return { document: null, ...validateDefinition(document, this.#blocks) }
    const hash = canonicalHash(plain.value)
    return { document: { hash, body: plain.value }, ...this.validate({ hash, body: plain.value }) }
  }

  /** Validates a document whose hash is known. */
  validate({ hash, body }: { readonly hash: string; readonly body: Json }): Validation {
    const known = this.#forget(hash)
    const kept = known ?? {
      validation: validateDefinition(body, this.#blocks),
      length: JSON.stringify(body).length,
    }
    this.#kept.set(hash, kept)
    this.#length += kept.length
    for (const oldest of this.#kept.keys()) {
      const fits = this.#kept.size <= MAX_PLANS && this.#length <= MAX_PLANNED_LENGTH
      if (fits || oldest === hash) break
      this.#forget(oldest)
    }
    return kept.validation
  }

  /** Forgets everything: a block was registered, so what was unknown may be known. */
  clear(): void {
    this.#kept.clear()
    this.#length = 0
  }

  #forget(hash: string) {
    const kept = this.#kept.get(hash)
    if (kept && this.#kept.delete(hash)) this.#length -= kept.length
    return kept
  }
}
