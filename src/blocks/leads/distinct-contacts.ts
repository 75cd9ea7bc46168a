import type { Contact } from './contact.ts'

/** Contacts that are one person, in the order in which they were found. */
interface Group {
  readonly members: readonly { readonly at: number; readonly contact: Contact }[]
  readonly identities: readonly string[]
}

/**
 * One contact for each person, in the order in which they were first found. Two contacts are one person when they have
 * an id of the same source, an e-mail address or a profile in common, or when a third ties them together. What the
 * first does not say is taken from the next.
 */
export function distinctContacts(contacts: readonly Contact[]): readonly Contact[] {
  const groups = new Map<string, Group>()
  const nameless: Group[] = []
  for (const [at, contact] of contacts.entries()) {
    const identities = identitiesOf(contact)
    const fresh = { members: [{ at, contact }], identities }
    if (identities.length === 0) {
      nameless.push(fresh)
      continue
    }
    const known = new Set(identities.flatMap((identity) => groups.get(identity) ?? []))
    const group = known.size === 0 ? fresh : merge([...known, fresh])
    for (const identity of group.identities) groups.set(identity, group)
  }
  return [...new Set(groups.values()), ...nameless]
    .toSorted((a, b) => firstOf(a) - firstOf(b))
    .map(({ members }) => members.map(({ contact }) => contact).reduce(complete))
}

function merge(groups: readonly Group[]): Group {
  return {
    members: groups.flatMap(({ members }) => members).toSorted((a, b) => a.at - b.at),
    identities: [...new Set(groups.flatMap(({ identities }) => identities))],
  }
}

function firstOf({ members }: Group): number {
  return members[0]?.at ?? 0
}

/** What nobody shares with somebody else. A telephone number is none: a whole office may have the same. */
function identitiesOf({ source, id, email, profileUrl }: Contact): readonly string[] {
  return [
    ...(id === null ? [] : [`id ${source} ${id}`]),
    ...(email === null ? [] : [`email ${email.toLowerCase()}`]),
    ...(profileUrl === null ? [] : [`profile ${placeOf(profileUrl)}`]),
  ]
}

/** A page's address without what varies: protocol, `www`, query, capitals and the slash at the end. */
function placeOf(url: string): string {
  return url
    .toLowerCase()
    .replace(/^https?:\/\//, '')
    .replace(/^www\./, '')
    .replace(/[?#].*$/, '')
    .replace(/\/+$/, '')
}

function complete(contact: Contact, next: Contact): Contact {
  const known = Object.entries(contact).filter(([, value]) => value !== null)
  return { ...next, ...(Object.fromEntries(known) as Partial<Contact>), source: contact.source }
}
