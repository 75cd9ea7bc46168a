import { randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import { describe, expect, test } from '@jest/globals'
import { fc } from '../../support/fast-check.ts'
import {
  newSecretKeyText,
  parseSecretKey,
  SecretCipher,
  type SecretKey,
} from '../../../src/access/secret-cipher.ts'
import { codeOf } from '../../../src/lib/errors.ts'
import { OWNER, STRANGER } from '../../support/jobs.ts'

const PLACE = { ownerId: OWNER, name: 'stripe' }

function newKey(): SecretKey {
  const key = parseSecretKey(newSecretKeyText())
  if (!key) throw new Error('a new key cannot be read')
  return key
}

function codeOfThrown(act: () => unknown): string | undefined {
  try {
    act()
  } catch (thrown) {
    return codeOf(thrown)
  }
  return undefined
}

describe('parseSecretKey', () => {
  test('reads 32 bytes in base64 and base64url, padded or not, and gives the same key an equal id', () => {
    const bytes = randomBytes(32)
    const texts = [
      bytes.toString('base64'),
      bytes.toString('base64url'),
      bytes.toString('base64').replace('=', ''),
    ]
    const ids = texts.map((text) => parseSecretKey(text)?.id)
    expect(new Set(ids).size).toBe(1)
    expect(ids[0]).toMatch(/^[0-9a-f]{16}$/)
    expect(bytes.toString('hex')).not.toContain(ids[0])
  })

  test.each([
    '',
    'x',
    randomBytes(31).toString('base64'),
    randomBytes(33).toString('base64'),
    `${'A'.repeat(43)} =`,
  ])('refuses %p', (text) => expect(parseSecretKey(text)).toBeNull())

  test('a key does not show itself when it is printed', () => {
    const text = newSecretKeyText()
    const key = parseSecretKey(text)
    const hex = Buffer.from(text, 'base64').toString('hex')
    for (const printed of [
      JSON.stringify(key),
      inspect(key, { depth: 9, showHidden: true }),
      JSON.stringify(Object.entries(key ?? {})),
    ]) {
      expect(printed.includes(text) || printed.includes(hex)).toBe(false)
    }
  })
})

describe('SecretCipher', () => {
  test('gives back what was sealed, and never seals alike', () => {
    const cipher = new SecretCipher([newKey()])
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (value) => {
        const sealed = cipher.seal(PLACE, value)
        expect(cipher.open(PLACE, sealed)).toBe(value)
        const again = cipher.seal(PLACE, value)
        expect(again.nonce).not.toEqual(sealed.nonce)
        expect(again.ciphertext).not.toEqual(sealed.ciphertext)
        expect(sealed.nonce).toHaveLength(12)
      }),
    )
  })

  test('opens what was sealed under an older key, and seals under the newest', () => {
    const [older, newest] = [newKey(), newKey()]
    const sealed = new SecretCipher([older]).seal(PLACE, 'the value')
    const cipher = new SecretCipher([newest, older])
    expect(cipher.open(PLACE, sealed)).toBe('the value')
    expect(cipher.seal(PLACE, 'the value').keyId).toBe(newest.id)
    expect(cipher.keyId).toBe(newest.id)
  })

  test('says that a key is not listed, and which; the value and the key stay out of it', () => {
    const sealed = new SecretCipher([newKey()]).seal(PLACE, 'the value')
    const act = () => new SecretCipher([newKey()]).open(PLACE, sealed)
    expect(codeOfThrown(act)).toBe('SECRET_KEY_UNKNOWN')
    expect(act).toThrow(`The secret "stripe" was stored under another key (id ${sealed.keyId})`)
  })

  test('never gives garbage: whatever is changed or moved cannot be opened', () => {
    const key = newKey()
    const cipher = new SecretCipher([key])
    const sealed = cipher.seal(PLACE, 'the value')
    const flipped = (bytes: Uint8Array, at: number) => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte))
    const { ciphertext, nonce } = sealed
    const bad = [
      ...Array.from(ciphertext, (_, at) => ({ ...sealed, ciphertext: flipped(ciphertext, at) })),
      ...Array.from(nonce, (_, at) => ({ ...sealed, nonce: flipped(nonce, at) })),
      ...Array.from(ciphertext, (_, end) => ({ ...sealed, ciphertext: ciphertext.subarray(0, end) })),
      { ...sealed, nonce: nonce.subarray(1) },
      // A wrong key that pretends to be the right one.
      { ...new SecretCipher([newKey()]).seal(PLACE, 'the value'), keyId: key.id },
    ]
    for (const one of bad) expect(codeOfThrown(() => cipher.open(PLACE, one))).toBe('SECRET_DAMAGED')
    for (const place of [
      { ...PLACE, ownerId: STRANGER },
      { ...PLACE, name: 'other' },
    ]) {
      expect(codeOfThrown(() => cipher.open(place, sealed))).toBe('SECRET_DAMAGED')
    }
  })
})
