import { timingSafeEqual } from 'node:crypto'
import { ownerId } from '../lib/index.ts'
import { hashOf } from './key-text.ts'
import { parseRole, type Role, type Viewer } from './viewer.ts'

/** A key that stands in the server's settings rather than in the database. */
export interface SettingsKey {
  readonly owner: string
  readonly role: Role
  /** SHA-256 of the key, in hexadecimal digits: the key itself need not be kept. */
  readonly hash: string
}

const VISIBLE = /^[\x21-\x7e]+$/
/** Shorter ones could be guessed. */
const SETTINGS_KEY_MIN_LENGTH = 32

/**
 * Reads `owner:role:key`, several separated by commas. A key has at least 32 characters. Gives the problem as a text that
 * never holds a key.
 */
export function readSettingsKeys(text: string): readonly SettingsKey[] | string {
  const keys: SettingsKey[] = []
  const entries = text
    .split(',')
    .map((entry) => entry.trim())
    .filter(Boolean)
  for (const [index, entry] of entries.entries()) {
    const [, owner, roleName, key] = /^([^:]{1,200}):([^:]+):(.+)$/s.exec(entry) ?? []
    const which = `entry ${index + 1}`
    if (owner === undefined || key === undefined) return `${which} is not of the form owner:role:key`
    const role = parseRole(roleName)
    if (!role) return `${which} names no role: use VIEWER, EDITOR or ADMIN`
    if (key.length < SETTINGS_KEY_MIN_LENGTH) {
      return `the key of ${which} is too short: make one of ${SETTINGS_KEY_MIN_LENGTH} characters or more, such as by \`openssl rand -hex 32\``
    }
    if (!VISIBLE.test(key))
      return `the key of ${which} holds what no header can carry: use letters, digits and signs without spaces`
    keys.push({ owner, role, hash: hashOf(key) })
  }
  return keys
}

/** Finds who comes with a key. Compares hashes, with every key there is, so that the time taken tells nothing. */
export function createSettingsKeys(keys: readonly SettingsKey[]): (key: string) => Viewer | null {
  const known = keys.map(({ owner, role, hash }) => ({
    hash: Buffer.from(hash, 'hex'),
    viewer: {
      ownerId: ownerId(owner),
      role,
      name: owner,
      credentialId: `settings ${hash}`,
      authentication: 'SETTINGS',
    } satisfies Viewer,
  }))
  return (key) => {
    const hash = Buffer.from(hashOf(key), 'hex')
    let found: Viewer | null = null
    for (const one of known) if (timingSafeEqual(one.hash, hash)) found = one.viewer
    return found
  }
}
