import type { QuotaGuard, QuotaRefusal, SecretRow, SecretStore } from '../db/stores/index.ts'
import type { SecretSource } from '../engine/run/index.ts'
import { LumeError, type OwnerId } from '../lib/index.ts'
import { isStorableText } from '../lib/json/index.ts'
import type { Clock } from '../lib/time/index.ts'
import type { SealedSecret, SecretCipher } from './secret-cipher.ts'

/** What can be said of a secret: everything but its value. */
export interface SecretEntry {
  readonly name: string
  readonly source: 'ENVIRONMENT' | 'STORED'
  /** When it was last stored; null where it comes from the environment. */
  readonly updatedAt: Date | null
}

export type SetSecretResult =
  | { readonly kind: 'saved'; readonly secret: SecretEntry }
  | { readonly kind: 'invalid'; readonly path: readonly string[]; readonly message: string }
  /** There is no key to encrypt it with. */
  | { readonly kind: 'noKey'; readonly message: string }
  | QuotaRefusal

/** The secrets of all owners. A value goes in, and comes out to the runs of its owner alone. */
export interface SecretVault {
  /** What an owner's runs read from. Its `open` throws `SECRET_KEY_UNKNOWN` or `SECRET_DAMAGED`. */
  sourceFor(ownerId: OwnerId): SecretSource
  /** Of all secrets that an owner's runs may read, in order. */
  names(ownerId: OwnerId): Promise<readonly string[]>
  list(ownerId: OwnerId): Promise<readonly SecretEntry[]>
  set(ownerId: OwnerId, name: string, value: string): Promise<SetSecretResult>
  /** False when none of that name is stored: what the environment gives cannot be deleted. */
  delete(ownerId: OwnerId, name: string): Promise<boolean>
  /**
   * Puts what is stored under older keys under the newest one, so that they can be taken out of service. Values that
   * cannot be read are counted and stay.
   */
  renewKeys(): Promise<{ readonly renewed: number; readonly unreadable: number }>
}

export interface SecretVaultOptions {
  readonly store: SecretStore
  /** Null where there is no key: nothing can be stored, and nothing stored be read. */
  readonly cipher: SecretCipher | null
  readonly environment: EnvironmentSecrets
  readonly clock: Pick<Clock, 'now'>
  readonly quotas: Pick<QuotaGuard, 'refusalOf'>
}

/** What the process was started with. */
export interface EnvironmentSecrets {
  readonly values: { readonly [name: string]: string }
  /** Who may use them. */
  readonly owners: readonly string[]
}

export const SECRET_NAME = /^[A-Za-z][A-Za-z0-9_]{0,63}$/
/** Shorter ones would be found in every text: they could not be masked. */
export const SECRET_MIN_LENGTH = 8
export const SECRET_MAX_LENGTH = 8_192

const RENEWED_AT_ONCE = 100
const NO_KEY =
  'Secrets cannot be stored here: the setting LUME_SECRET_KEY is missing. Set it to 32 random bytes in base64 ' +
  '(`openssl rand -base64 32`), the same for all processes on one database.'

export function createSecretVault(options: SecretVaultOptions): SecretVault {
  const { store, cipher, environment, clock, quotas } = options
  const given = new Map(Object.entries(environment.values))
  const givenTo = (ownerId: OwnerId): ReadonlyMap<string, string> =>
    environment.owners.includes(ownerId) ? given : new Map()
  const opened = (row: SecretRow): string => {
    if (!cipher)
      throw new LumeError('SECRET_KEY_MISSING', `The secret "${row.name}" cannot be read. ${NO_KEY}`)
    return cipher.open(row, row)
  }
  const list = async (ownerId: OwnerId): Promise<readonly SecretEntry[]> => {
    const entries = new Map<string, SecretEntry>()
    for (const name of givenTo(ownerId).keys())
      entries.set(name, { name, source: 'ENVIRONMENT', updatedAt: null })
    for (const row of await store.list(ownerId)) entries.set(row.name, { ...row, source: 'STORED' })
    return [...entries.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1))
  }
  return {
    sourceFor: (ownerId) => ({
      async open(names) {
        if (names.length === 0) return new Map()
        const values = new Map([...givenTo(ownerId)].filter(([name]) => names.includes(name)))
        for (const row of await store.find(ownerId, names)) values.set(row.name, opened(row))
        return values
      },
    }),
    names: async (ownerId) => (await list(ownerId)).map(({ name }) => name),
    list,
    async set(ownerId, name, value) {
      const problem = problemOf(name, value)
      if (problem) return { kind: 'invalid', ...problem }
      if (!cipher) return { kind: 'noKey', message: NO_KEY }
      const refusal = await quotas.refusalOf(ownerId, 'SECRETS')
      // A secret that is replaced adds none.
      if (refusal && (await store.find(ownerId, [name])).length === 0) return refusal
      const updatedAt = new Date(clock.now())
      const place = { ownerId, name }
      await store.put({ ...place, ...cipher.seal(place, value) }, updatedAt)
      return { kind: 'saved', secret: { name, source: 'STORED', updatedAt } }
    },
    delete: (ownerId, name) =>
      SECRET_NAME.test(name) ? store.delete(ownerId, name) : Promise.resolve(false),
    async renewKeys() {
      const count = { renewed: 0, unreadable: 0 }
      if (!cipher) return count
      const page = (after: SecretRow | null) =>
        store.findUnderOtherKeys(cipher.keyId, { after, limit: RENEWED_AT_ONCE })
      for (let rows = await page(null); rows.length > 0; rows = await page(rows.at(-1) ?? null)) {
        for (const row of rows) {
          const sealed = resealed(cipher, row)
          if (!sealed) count.unreadable++
          else if (await store.replace(row, sealed)) count.renewed++
        }
      }
      return count
    },
  }
}

/** Null when the value cannot be read. */
function resealed(cipher: SecretCipher, row: SecretRow): SealedSecret | null {
  try {
    return cipher.seal(row, cipher.open(row, row))
  } catch (fault) {
    if (fault instanceof LumeError) return null
    throw fault
  }
}

/** Says what is wrong without a word of the value. */
function problemOf(name: string, value: string) {
  const invalid = (field: string, message: string) => ({ path: ['input', field], message })
  if (!SECRET_NAME.test(name)) {
    return invalid('name', 'A name begins with a letter and has up to 64 letters, digits and underscores.')
  }
  if (value.trim().length < SECRET_MIN_LENGTH) {
    return invalid(
      'value',
      `A value has ${SECRET_MIN_LENGTH} characters or more: shorter ones cannot be kept out of what is recorded.`,
    )
  }
  if (value.length > SECRET_MAX_LENGTH)
    return invalid('value', `A value has at most ${SECRET_MAX_LENGTH} characters.`)
  if (!isStorableText(value))
    return invalid('value', 'A value holds no NUL character and no half of a surrogate pair.')
  return null
}
