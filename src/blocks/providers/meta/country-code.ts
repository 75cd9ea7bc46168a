import { getCountries } from 'libphonenumber-js'

const OTHER_NAMES: Readonly<Record<string, string>> = {
  usa: 'us',
  'united states of america': 'us',
  uk: 'gb',
  'great britain': 'gb',
  england: 'gb',
  scotland: 'gb',
  wales: 'gb',
  'northern ireland': 'gb',
  uae: 'ae',
  holland: 'nl',
  'czech republic': 'cz',
  turkey: 'tr',
}

let codes: ReadonlyMap<string, string> | undefined

/** The ISO 3166-1 alpha-2 code, in lower case, of a country given by its code or English name; null: none such. */
export function countryCode(text: string): string | null {
  codes ??= new Map([...isoCodes(), ...Object.entries(OTHER_NAMES)])
  return codes.get(text.trim().replaceAll('.', '').toLowerCase()) ?? null
}

function isoCodes(): readonly (readonly [string, string])[] {
  const names = new Intl.DisplayNames('en', { type: 'region' })
  return getCountries().flatMap((country) => {
    const code = country.toLowerCase()
    return [[code, code] as const, [(names.of(country) ?? code).toLowerCase(), code] as const]
  })
}
