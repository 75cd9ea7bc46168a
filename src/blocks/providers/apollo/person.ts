import { z } from 'zod'
import { isJsonObject, type JsonObject } from '../../../lib/json/index.ts'

/** Whom to look for: the more is given, the surer the match. */
export const personFields = {
  id: z.string().min(1).nullish().describe('Apollo’s id, as a people search gives it: the surest.'),
  firstName: z.string().nullish().describe('The first name.'),
  lastName: z.string().nullish().describe('The last name.'),
  name: z.string().nullish().describe('The whole name, where first and last name are not known apart.'),
  email: z.string().nullish().describe('An e-mail address of theirs.'),
  hashedEmail: z.string().nullish().describe('An e-mail address as MD5 or SHA-256, in hexadecimal.'),
  organizationName: z.string().nullish().describe('The name of the employer.'),
  domain: z.string().nullish().describe('The domain of the employer, such as "acme.com".'),
  linkedinUrl: z.string().nullish().describe('The URL of their LinkedIn page.'),
}
const personSchema = z.object(personFields)
export type PersonWish = z.output<typeof personSchema>

const APOLLO_NAMES: { readonly [Field in keyof PersonWish]-?: string } = {
  id: 'id',
  firstName: 'first_name',
  lastName: 'last_name',
  name: 'name',
  email: 'email',
  hashedEmail: 'hashed_email',
  organizationName: 'organization_name',
  domain: 'domain',
  linkedinUrl: 'linkedin_url',
}

/** A wish in Apollo's words; null when it says nothing, which Apollo answers with an error for all ten. */
export function apolloPerson(wish: PersonWish): JsonObject | null {
  const given = Object.entries(APOLLO_NAMES).flatMap(([field, name]) => {
    const value = wish[field as keyof PersonWish]?.trim()
    return value ? [[name, value] as const] : []
  })
  return given.length > 0 ? Object.fromEntries(given) : null
}

/**
 * A person without what makes most of its size and is seldom wanted: past employments, and the lists of keywords,
 * technologies and departments of the employer.
 */
export function compactPerson(person: JsonObject): JsonObject {
  const { employment_history: _, organization, ...rest } = person
  return isJsonObject(organization) ? { ...rest, organization: scalarsOf(organization) } : rest
}

function scalarsOf(record: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => typeof value !== 'object'))
}

export const foundPersonSchema = z
  .record(z.string(), z.json())
  .nullable()
  .describe(
    'The person in Apollo’s words: id, first_name, last_name, title, email, email_status, organization…',
  )
