import { z } from 'zod'
import { contactSchema, type Contact } from './contact.ts'
import { distinctContacts } from './distinct-contacts.ts'

/** What a search gives, whoever searched. */
export const searchResultSchema = z.object({
  contacts: z.array(contactSchema).describe('Everybody who was found, once.'),
  found: z.int().describe('How many records came from the source.'),
  duplicates: z.int().describe('How many of them were somebody whom another record tells of.'),
  total: z.int().describe('How many the source knows of for this search.'),
})

export function searchResult(found: readonly Contact[], total: number): z.output<typeof searchResultSchema> {
  const contacts = [...distinctContacts(found)]
  return { contacts, found: found.length, duplicates: found.length - contacts.length, total }
}
