import { z } from 'zod'
import { isJsonObject, type Json, type JsonObject } from '../../lib/json/index.ts'

export const CONTACT_SOURCES = ['APOLLO', 'APIFY'] as const

const text = (description: string) => z.string().nullable().describe(description)

/**
 * Somebody whom a search found, whoever found them. The names of what Meta matches by are those of
 * `api.meta.uploadAudience`, so that what one job finds another can upload.
 */
export const contactSchema = z.object({
  source: z.enum(CONTACT_SOURCES).describe('Who found them first.'),
  id: text('The source’s own id.'),
  name: text('The whole name, as far as it is known.'),
  firstName: text('The first name.'),
  lastName: text('The last name.'),
  email: text('An e-mail address.'),
  phone: text('A telephone number.'),
  title: text('What they do, such as a job title.'),
  organization: text('The name of the employer.'),
  city: text('Where they live: the city.'),
  state: text('Where they live: the state or region.'),
  country: text('Where they live: the country.'),
  profileUrl: text('Their page at LinkedIn or Instagram.'),
  username: text('Their name on the network of that page.'),
  biography: text('What they say of themselves.'),
  followers: z.int().nullable().describe('How many follow them.'),
})
export type Contact = z.output<typeof contactSchema>

const UNKNOWN = {
  id: null,
  name: null,
  firstName: null,
  lastName: null,
  email: null,
  phone: null,
  title: null,
  organization: null,
  city: null,
  state: null,
  country: null,
  profileUrl: null,
  username: null,
  biography: null,
  followers: null,
} satisfies Omit<Contact, 'source'>

/** Apollo writes this in place of an address that has not been paid for. */
const LOCKED_EMAIL = /^email_not_unlocked@/i
const EMAIL = /[\w.+-]{1,64}@[a-z\d-]{1,63}(?:\.[a-z\d-]{1,63}){1,4}/i

/** A person in Apollo's words: as a search finds them, with what an enrichment added. */
export function apolloContact(person: JsonObject): Contact {
  const firstName = textOf(person['first_name'])
  const lastName = textOf(person['last_name'])
  const email = textOf(person['email'])
  const organization = objectOf(person['organization'])
  return {
    ...UNKNOWN,
    source: 'APOLLO',
    id: textOf(person['id']),
    name: textOf(person['name']) ?? textOf([firstName, lastName].filter(Boolean).join(' ')),
    firstName,
    lastName,
    email: email === null || LOCKED_EMAIL.test(email) ? null : email,
    phone: phoneOf(person),
    title: textOf(person['title']),
    organization: textOf(organization['name']) ?? textOf(person['organization_name']),
    city: textOf(person['city']),
    state: textOf(person['state']),
    country: textOf(person['country']),
    profileUrl: textOf(person['linkedin_url']),
  }
}

/** A profile as the Instagram scraper writes it. */
export function profileContact(profile: JsonObject): Contact {
  const biography = textOf(profile['biography'])
  const username = textOf(profile['username'])
  const followers = profile['followersCount']
  return {
    ...UNKNOWN,
    source: 'APIFY',
    id: textOf(profile['id']),
    name: textOf(profile['fullName']),
    email: textOf(profile['businessEmail']) ?? EMAIL.exec(biography ?? '')?.[0] ?? null,
    phone: textOf(profile['businessPhoneNumber']),
    title: textOf(profile['businessCategoryName']),
    profileUrl: textOf(profile['url']) ?? (username && `https://www.instagram.com/${username}/`),
    username,
    biography,
    followers: Number.isSafeInteger(followers) ? (followers as number) : null,
  }
}

function phoneOf(person: JsonObject): string | null {
  const numbers = person['phone_numbers']
  const first = Array.isArray(numbers) ? objectOf(numbers[0] as Json | undefined) : {}
  return textOf(first['sanitized_number']) ?? textOf(person['sanitized_phone'])
}

function objectOf(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : {}
}

/** What is there and says something. */
function textOf(value: Json | undefined): string | null {
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : null
}
