import { canonicalHash } from '../lib/canonical-json.ts'
import type { OwnerId } from '../lib/ids.ts'
import type { Json } from '../lib/json.ts'
import { toPlainJson } from '../lib/plain-json.ts'
import { DEFINITION_MAX_NODES } from './definition.ts'
import type { BlockRegistry } from './registry.ts'
import {
  missingSecrets,
  validateDefinition,
  type Validation,
  type ValidationOptions,
} from './validate/index.ts'

/** A document, read: its content and hash when it is plain JSON at all, and what validation says of it. */
export interface ReadDefinition extends Validation {
  readonly document: { readonly hash: string; readonly body: Json } | null
}

/** Reads documents for an owner, for whom it may lack something that another one has. */
export type DefinitionReader = (ownerId: OwnerId) => (document: unknown) => Promise<ReadDefinition>

const MAX_PLANS = 500
/** How much definition text the plans that are kept stand for, together, in characters. */
const MAX_PLANNED_LENGTH = 32 * 1024 * 1024

/** The secrets that are set for whoever asks; null or not given: unknown, so nothing is said of them. */
export type SecretNames = ValidationOptions['secretNames']

/**
 * Validates and compiles definitions, each once as long as it is used: a plan is a function of its content. Which secrets
 * are set is no part of it, and changes: that is looked at each time.
 */
export class PlanCache {
  readonly #blocks: Pick<BlockRegistry, 'get' | 'closest'>
  readonly #maxNodes: number
  /** The one that was not asked for for the longest time first. */
  readonly #kept = new Map<string, { readonly validation: Validation; readonly length: number }>()
  #length = 0

  constructor(
    blocks: Pick<BlockRegistry, 'get' | 'closest'>,
    { maxNodes = DEFINITION_MAX_NODES }: { maxNodes?: number } = {},
  ) {
    this.#blocks = blocks
    this.#maxNodes = maxNodes
  }

  /** Reads a document from outside, whatever it is. */
  read(document: unknown, secretNames: SecretNames = null): ReadDefinition {
    const plain = toPlainJson(document)
    if (!plain.ok) return { document: null, ...this.#compile(document) }
    const hash = canonicalHash(plain.value)
    return {
      document: { hash, body: plain.value },
      ...this.validate({ hash, body: plain.value }, secretNames),
    }
  }

  /** Validates a document whose hash is known. */
  validate(
    { hash, body }: { readonly hash: string; readonly body: Json },
    secretNames: SecretNames = null,
  ): Validation {
    const validation = this.#validated(hash, body)
    const missing = missingSecrets(validation.secretUses, secretNames)
    if (missing.length === 0) return validation
    return { ...validation, diagnostics: [...validation.diagnostics, ...missing] }
  }

  #compile(document: unknown): Validation {
    return validateDefinition(document, { blocks: this.#blocks, maxNodes: this.#maxNodes })
  }

  #validated(hash: string, body: Json): Validation {
    const known = this.#forget(hash)
    const kept = known ?? {
      validation: this.#compile(body),
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
