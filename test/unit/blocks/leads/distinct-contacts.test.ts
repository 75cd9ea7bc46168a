import { expect, test } from '@jest/globals'
import { fc } from '../../../support/fast-check.ts'
import { apolloContact, profileContact, type Contact } from '../../../../src/blocks/leads/contact.ts'
import { distinctContacts } from '../../../../src/blocks/leads/distinct-contacts.ts'

const contact = fc
  .record({ id: fc.integer({ min: 0, max: 9 }), email: fc.option(fc.integer({ min: 0, max: 9 })) })
  .map(({ id, email }): Contact =>
    apolloContact({ id: `p${id}`, email: email === null ? null : `e${email}@acme.example` }),
  )

test('no two of the distinct contacts share an id or an address, and doing it again changes nothing', () => {
  fc.assert(
    fc.property(fc.array(contact, { maxLength: 30 }), (contacts) => {
      const distinct = distinctContacts(contacts)
      const unique = (values: readonly (string | null)[]) => {
        const known = values.filter((value) => value !== null)
        expect(new Set(known).size).toBe(known.length)
      }
      unique(distinct.map(({ id }) => id))
      unique(distinct.map(({ email }) => email))
      expect(distinctContacts(distinct)).toEqual(distinct)
    }),
    { numRuns: 100 },
  )
})

test('a third contact ties two together, and what the first does not say comes from the next', () => {
  const first = apolloContact({ id: 'p1', first_name: 'Ada', email: 'email_not_unlocked@domain.com' })
  const second = profileContact({ id: 7, username: 'ada', biography: 'Write to ADA@acme.example!' })
  const third = apolloContact({ id: 'p1', last_name: 'Lovelace', email: 'ada@acme.example' })
  expect(distinctContacts([first, second, third])).toEqual([
    expect.objectContaining({
      source: 'APOLLO',
      id: 'p1',
      firstName: 'Ada',
      lastName: 'Lovelace',
      email: 'ADA@acme.example',
      username: 'ada',
    }),
  ])
})
