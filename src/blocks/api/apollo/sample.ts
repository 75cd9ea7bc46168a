import type { JsonObject } from '../../../lib/json.ts'
import type { PersonWish } from './person.ts'

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
    wish.firstName || givenFirst || capitalised(localPart?.split(/[._-]/)[0]) || pick(FIRST_NAMES, random)
  const last = wish.lastName || givenRest.join(' ') || pick(LAST_NAMES, random)
  const company = wish.organizationName || pick(COMPANIES, random)
  const domain = wish.domain || mailDomain || `${slug(company)}.example`
  const [city, country] = pick(CITIES, random)
  return {
    id: wish.id || hexId(random),
    first_name: first,
    last_name: last,
    name: `${first} ${last}`,
    title: pick(TITLES, random),
    linkedin_url: wish.linkedinUrl || `http://www.linkedin.com/in/${slug(`${first} ${last}`)}`,
    email: wish.email || `${slug(first)}.${slug(last)}@${domain}`,
    email_status: 'verified',
    city,
    country,
    organization: { id: hexId(random), name: company, primary_domain: domain },
  }
}

/** A person as a search finds it: without contact data, the last name hidden. */
export function sampleSearchedPerson(title: string | undefined, random: () => number): JsonObject {
  const last = pick(LAST_NAMES, random)
  return {
    id: hexId(random),
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
  const name = domain ? capitalised(domain.split('.')[0]) : pick(COMPANIES, random)
  const primaryDomain = domain ?? `${slug(name)}.example`
  return {
    id: hexId(random),
    name,
    website_url: `http://www.${primaryDomain}`,
    primary_domain: primaryDomain,
    linkedin_url: `http://www.linkedin.com/company/${slug(name)}`,
    founded_year: 1990 + Math.floor(random() * 35),
  }
}

function pick<T>(choices: readonly T[], random: () => number): T {
  return choices[Math.floor(random() * choices.length)] as T
}

function capitalised(word = ''): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}

/** Letters and digits of ASCII, as in addresses. */
function slug(text: string): string {
  return text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '')
}

function hexId(random: () => number): string {
  return Array.from({ length: 24 }, () => Math.floor(random() * 16).toString(16)).join('')
}
