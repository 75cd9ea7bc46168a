import { assertNever } from '../../../lib/index.ts'
import type { Json } from '../../../lib/json/index.ts'
import type { AudienceKey } from './audience-keys.ts'
import { countryCode } from './country-code.ts'
import { normalisePhone } from './normalise-phone.ts'
import { US_STATES } from './us-states.ts'

/** A value as Meta wants it before it is hashed. */
export type Normalised =
  | { readonly kind: 'value'; readonly text: string }
  /** Unknown: sent as the empty text, never hashed. */
  | { readonly kind: 'empty' }
  | { readonly kind: 'invalid'; readonly reason: string }

const EMPTY: Normalised = { kind: 'empty' }
const EARLIEST_BIRTH_YEAR = 1900
const GENDERS: Readonly<Record<string, string>> = {
  m: 'm',
  male: 'm',
  man: 'm',
  f: 'f',
  female: 'f',
  woman: 'f',
}
const UK_POSTCODE = /^([a-z]{1,2}\d[a-z\d]?\d)[a-z]{2}$/
const DEVICE_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/**
 * Brings a value into the form that Meta's customer file guide asks for; what is in that form stays as it is.
 * `country`: the person's, an ISO 3166-1 alpha-2 code in lower case; null: not known.
 */
export function normalise(key: AudienceKey, value: Json | undefined, country: string | null): Normalised {
  if (value === undefined || value === null) return EMPTY
  if (typeof value !== 'string' && typeof value !== 'number') return invalid('is neither a text nor a number')
  const text = String(value).trim()
  if (text === '') return EMPTY
  if (!text.isWellFormed()) return invalid('holds half of a surrogate pair')
  const normalised = normaliseText(key, text, country)
  return typeof normalised === 'string' ? { kind: 'value', text: normalised } : normalised
}

function normaliseText(key: AudienceKey, text: string, country: string | null): string | Normalised {
  const lower = text.toLowerCase()
  switch (key) {
    case 'EMAIL':
      return /^[^\s@]+@[^\s@]+\.[^\s@.]+$/.test(lower) ? lower : invalid('is no e-mail address')
    case 'PHONE':
      return normalisePhone(text, country) ?? invalid('is no phone number')
    case 'FN':
    case 'LN':
      return words(lower) || invalid('has no letters')
    case 'FI':
      return /./u.exec(words(lower))?.[0] ?? invalid('has no letters')
    case 'GEN':
      return GENDERS[lower] ?? invalid('is neither m nor f')
    case 'DOBY':
      return /^\d{4}$/.test(text) && Number(text) >= EARLIEST_BIRTH_YEAR ? text : invalid('is no year')
    case 'DOBM':
      return twoDigits(text, 12) ?? invalid('is no month')
    case 'DOBD':
      return twoDigits(text, 31) ?? invalid('is no day of a month')
    case 'CT':
      return letters(lower) || invalid('has no letters')
    case 'ST':
      return (
        (country === 'us' && US_STATES.get(letters(lower))) || letters(lower) || invalid('has no letters')
      )
    case 'ZIP':
      return normaliseZip(lower.replace(/\s/gu, ''), country)
    case 'COUNTRY':
      return countryCode(text) ?? invalid('is no country')
    case 'MADID':
      return DEVICE_ID.test(lower) ? lower : invalid('is no device id')
    case 'EXTERN_ID':
      return text
    case 'LOOKALIKE_VALUE':
      return Number.isFinite(Number(text)) ? String(Number(text)) : invalid('is no number')
    default:
      return assertNever(key)
  }
}

function invalid(reason: string): Normalised {
  return { kind: 'invalid', reason }
}

/** Letters, their marks and digits; every run of white space becomes one space. */
function words(lower: string): string {
  return lower
    .replace(/[^\p{L}\p{M}\p{N}\s]/gu, '')
    .replace(/\s+/gu, ' ')
    .trim()
    .normalize('NFC')
}

/** Letters, their marks and digits, without spaces. */
function letters(lower: string): string {
  return lower.replace(/[^\p{L}\p{M}\p{N}]/gu, '').normalize('NFC')
}

function twoDigits(text: string, max: number): string | null {
  if (!/^\d{1,2}$/.test(text)) return null
  const number = Number(text)
  return number >= 1 && number <= max ? text.padStart(2, '0') : null
}

function normaliseZip(zip: string, country: string | null): string | Normalised {
  if (country === 'gb') return UK_POSTCODE.exec(zip)?.[1] ?? zip
  if (country !== 'us') return zip
  // Whoever keeps ZIP codes as numbers loses their leading zeros.
  const digits = /^\d{3,5}(?=$|-?\d{4}$)/.exec(zip)?.[0]
  return digits?.padStart(5, '0') ?? invalid('is no US ZIP code')
}
