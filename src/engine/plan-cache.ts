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

/** Validates and compiles definitions, each once as long as it is used: a plan is a function of its content. */
export class PlanCache {
  readonly #blocks: Pick<BlockRegistry, 'get' | 'closest'>
  readonly #validations = new Map<string, Validation>()

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
    const known = this.#validations.get(hash)
    this.#validations.delete(hash)
    const validation = known ?? validateDefinition(body, this.#blocks)
    if (this.#validations.size >= MAX_PLANS)
      this.#validations.delete(this.#validations.keys().next().value ?? '')
    this.#validations.set(hash, validation)
    return validation
  }

  /** Forgets everything: a block was registered, so what was unknown may be known. */
  clear(): void {
    this.#validations.clear()
  }
}
