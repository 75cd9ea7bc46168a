import type { JsonObject } from '../../../lib/json/index.ts'
import { capitalised, lettersOf, pick, slugOf, wholeBelow } from '../shared/index.ts'
import type { PersonWish } from './person.ts'

const HEX = '0123456789abcdef'
const ID_LENGTH = 24
const FIRST_NAMES = ['Dana', 'Luca', 'Amira', 'Noah', 'Ines', 'Kofi', 'Mei', 'Oskar', 'Priya', 'Tomás']
const LAST_NAMES = ['Rosen', 'Bianchi', 'Haddad', 'Novak', 'Silva', 'Mensah', 'Lin', 'Berg', 'Rao', 'Vega']
const TITLES = ['Head of Growth', 'Founder', 'Marketing Director', 'VP Sales', 'Product Manager']
const COMPANIES = ['Acme', 'Globex', 'Initech', 'Umbra Labs', 'Northwind', 'Bluepeak']
const CITIES = [
  ['Berlin', 'Germany'],
  ['Lisbon', 'Portugal'],
  ['Austin', 'United States'],
  ['Toronto', 'Canada'],
] as const

/** A person as an enrichment finds it, fitting what was known before. */
export function samplePerson(wish: PersonWish, random: () => number): JsonObject {
  const [givenFirst, ...givenRest] = (wish.name ?? '').split(/\s+/).filter(Boolean)
  const [localPart, mailDomain] = wish.email?.split('@') ?? []
  const first =
    wish.firstName ||
    givenFirst ||
    capitalised(localPart?.split(/[._-]/)[0] ?? '') ||
    pick(FIRST_NAMES, random)
  const last = wish.lastName || givenRest.join(' ') || pick(LAST_NAMES, random)
  const company = wish.organizationName || pick(COMPANIES, random)
  const domain = wish.domain || mailDomain || `${slugOf(company)}.example`
  const [city, country] = pick(CITIES, random)
  return {
    id: wish.id || lettersOf(HEX, ID_LENGTH, random),
    first_name: first,
    last_name: last,
    name: `${first} ${last}`,
    title: pick(TITLES, random),
    linkedin_url: wish.linkedinUrl || `http://www.linkedin.com/in/${slugOf(`${first} ${last}`)}`,
    email: wish.email || `${slugOf(first)}.${slugOf(last)}@${domain}`,
    email_status: 'verified',
    city,
    country,
    organization: { id: lettersOf(HEX, ID_LENGTH, random), name: company, primary_domain: domain },
  }
}

/** A person as a search finds it: without contact data, the last name hidden. */
export function sampleSearchedPerson(title: string | undefined, random: () => number): JsonObject {
  const last = pick(LAST_NAMES, random)
  return {
    id: lettersOf(HEX, ID_LENGTH, random),
    first_name: pick(FIRST_NAMES, random),
    last_name_obfuscated: `${last.slice(0, 2)}***${last.slice(-1)}`,
    title: title ?? pick(TITLES, random),
    has_email: true,
    has_city: true,
    has_country: true,
    has_direct_phone: 'Maybe',
    organization: { name: pick(COMPANIES, random), has_industry: true, has_employee_count: true },
  }
}

export function sampleOrganization(domain: string | undefined, random: () => number): JsonObject {
  const name = domain ? capitalised(domain.split('.')[0] ?? '') : pick(COMPANIES, random)
  const primaryDomain = domain ?? `${slugOf(name)}.example`
  return {
    id: lettersOf(HEX, ID_LENGTH, random),
    name,
    website_url: `http://www.${primaryDomain}`,
    primary_domain: primaryDomain,
    linkedin_url: `http://www.linkedin.com/company/${slugOf(name)}`,
    founded_year: 1990 + wholeBelow(35, random),
  }
}
