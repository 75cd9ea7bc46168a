import { parsePhoneNumberFromString, type CountryCode, type PhoneNumber } from 'libphonenumber-js'

/**
 * A phone number as its digits with country code and without leading zeros; null: it is none. A number without `+` is
 * read as one of the country, if one is given, and else as one that begins with its country code.
 */
export function normalisePhone(text: string, country: string | null): string | null {
  const digits = text.normalize('NFKC').replace(/\D/gu, '')
  const trimmed = text.trim()
  if (trimmed.startsWith('+')) return digitsOf(parse(trimmed), 'isPossible')
  if (digits.startsWith('00')) return digitsOf(parse(`+${digits.slice(2)}`), 'isPossible')
  const international = parse(`+${digits}`)
  if (!country) return digitsOf(international, 'isPossible')
  const national = parse(trimmed, country)
  // In countries whose numbers are of many lengths both readings may be valid: then the code is more than a coincidence.
  const isOfCountry = international?.countryCallingCode === national?.countryCallingCode
  return (
    (isOfCountry ? digitsOf(international, 'isValid') : null) ??
    digitsOf(national, 'isValid') ??
    digitsOf(international, 'isValid') ??
    digitsOf(national, 'isPossible')
  )
}

function parse(text: string, country?: string): PhoneNumber | undefined {
  return parsePhoneNumberFromString(text, country?.toUpperCase() as CountryCode | undefined)
}

/** `isValid` asks whether the number can be in use; `isPossible` only whether it has a length that numbers there have. */
function digitsOf(number: PhoneNumber | undefined, demand: 'isValid' | 'isPossible'): string | null {
  if (!number?.[demand]()) return null
  // What is not read as itself again (rubbish with zeros after the code) is no number.
  const again = parse(number.number)
  return again?.number === number.number && again.isPossible() ? number.number.slice(1) : null
}
