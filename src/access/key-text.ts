import { createHash, randomInt } from 'node:crypto'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
/** 40 of 62 letters are 238 bits: nobody guesses one, and a plain hash hides it. */
const RANDOM_LENGTH = 40
const MARK = 'lume_'
const SHOWN_LENGTH = MARK.length + 6
const FORM = new RegExp(`^${MARK}[A-Za-z0-9]{${RANDOM_LENGTH}}$`)

/** A new key, which people and secret scanners recognise by its mark. */
export function newKeyText(): string {
  const letters = Array.from({ length: RANDOM_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)])
  return `${MARK}${letters.join('')}`
}

/** Whether a text can be a stored key at all; anything else need not be looked up. */
export function isKeyText(text: string): boolean {
  return FORM.test(text)
}

/** What may be shown of a key, so that its owner knows it again. */
export function shownPrefix(key: string): string {
  return key.slice(0, SHOWN_LENGTH)
}

/** SHA-256, as hexadecimal digits. Right for keys that are random; wrong for passwords. */
export function hashOf(key: string): string {
  return createHash('sha256').update(key).digest('hex')
}
