import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  randomBytes,
  type KeyObject,
} from 'node:crypto'
import { LumeError, type OwnerId } from '../lib/index.ts'

/** A key that values are encrypted under. */
export interface SecretKey {
  /** Tells keys apart and says nothing of them. */
  readonly id: string
  readonly material: KeyObject
}

/** Whose secret it is, and its name. A ciphertext is bound to it: moved elsewhere it cannot be opened. */
export interface SecretPlace {
  readonly ownerId: OwnerId
  readonly name: string
}

/** An encrypted value. */
export interface SealedSecret {
  readonly keyId: string
  readonly nonce: Uint8Array
  /** With the tag at its end. */
  readonly ciphertext: Uint8Array
}

const ALGORITHM = 'aes-256-gcm'
const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** Reads a key of 32 bytes in base64 or base64url; null when the text is anything else. */
export function parseSecretKey(text: string): SecretKey | null {
  const bytes = Buffer.from(text, 'base64')
  const isWhole = [bytes.toString('base64'), bytes.toString('base64url')].some(
    (written) => written.replace(/=+$/, '') === text.replace(/=+$/, ''),
  )
  if (!isWhole || bytes.length !== KEY_BYTES) return null
  const material = createSecretKey(bytes)
  const id = createHmac('sha256', material).update('the id of a key of Lume').digest('hex').slice(0, 16)
  return { id, material }
}

/** The text of a new key. */
export function newSecretKeyText(): string {
  return randomBytes(KEY_BYTES).toString('base64')
}

/** Seals values under the first of its keys (AES-256-GCM), and opens what was sealed under any of them. */
export class SecretCipher {
  readonly #newest: SecretKey
  readonly #byId: ReadonlyMap<string, SecretKey>

  constructor(keys: readonly [SecretKey, ...SecretKey[]]) {
    this.#newest = keys[0]
    this.#byId = new Map(keys.map((key) => [key.id, key]))
  }

  /** What new values are sealed under. */
  get keyId(): string {
    return this.#newest.id
  }

  seal(place: SecretPlace, value: string): SealedSecret {
    const { id, material } = this.#newest
    const nonce = randomBytes(NONCE_BYTES)
    const cipher = createCipheriv(ALGORITHM, material, nonce, { authTagLength: TAG_BYTES })
    cipher.setAAD(bindingOf(place))
    const ciphertext = Buffer.concat([cipher.update(value, 'utf8'), cipher.final(), cipher.getAuthTag()])
    return { keyId: id, nonce, ciphertext }
  }

  /** Throws `SECRET_KEY_UNKNOWN` or `SECRET_DAMAGED`; what it gives is what was sealed, never anything else. */
  open(place: SecretPlace, { keyId, nonce, ciphertext }: SealedSecret): string {
    const key = this.#byId.get(keyId)
    if (!key) {
      throw new LumeError(
        'SECRET_KEY_UNKNOWN',
        `The secret "${place.name}" was stored under another key (id ${keyId}): add that key to the end of ` +
          'LUME_SECRET_KEY, or store the secret again.',
      )
    }
    try {
      const end = ciphertext.length - TAG_BYTES
      const decipher = createDecipheriv(ALGORITHM, key.material, nonce, { authTagLength: TAG_BYTES })
      decipher.setAAD(bindingOf(place))
      decipher.setAuthTag(ciphertext.subarray(end))
      return Buffer.concat([decipher.update(ciphertext.subarray(0, end)), decipher.final()]).toString('utf8')
    } catch (cause) {
      const message = `The secret "${place.name}" was changed where it is stored and cannot be read: store it again.`
      throw new LumeError('SECRET_DAMAGED', message, { cause })
    }
  }
}

/** JSON keeps `["a", "bc"]` and `["ab", "c"]` apart. */
function bindingOf({ ownerId, name }: SecretPlace): Buffer {
  return Buffer.from(JSON.stringify([ownerId, name]))
}
