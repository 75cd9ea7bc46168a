import { createHash } from 'node:crypto'
import type { Json } from '../../../lib/json/index.ts'
import { AUDIENCE_KEYS, type AudienceKey } from './audience-keys.ts'
import { normalise, type Normalised } from './normalise.ts'

const SHA256_HEX = /^[a-f0-9]{64}$/i

/** A value as it is sent: normalised, and hashed where the key asks for it; what is a hash already is not hashed again. */
export function hashValue(key: AudienceKey, value: Json | undefined, country: string | null): Normalised {
  const { isHashed } = AUDIENCE_KEYS[key]
  if (isHashed && isHash(value)) return { kind: 'value', text: value.trim().toLowerCase() }
  const normalised = normalise(key, value, country)
  return isHashed && normalised.kind === 'value'
    ? { kind: 'value', text: sha256(normalised.text) }
    : normalised
}

function isHash(value: Json | undefined): value is string {
  return typeof value === 'string' && SHA256_HEX.test(value.trim())
}

function sha256(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex')
}
