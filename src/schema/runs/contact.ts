import { jsonHeapSize, type JsonObject } from '../../lib/json/index.ts'
import { badCursor, badInput, builder, DEFAULT_PAGE, MAX_PAGE } from '../kit/index.ts'
import { JobNode } from './job.ts'

/** How errors name the list of contacts. */
const FIELD = 'Job.contacts'

/** A field that holds one text of a contact. */
function text(name: string, description: string) {
  return {
    nullable: true as const,
    description,
    resolve: (contact: JsonObject) => textOf(contact[name]),
  }
}

const ContactType = builder.objectRef<JsonObject>('Contact').implement({
  description: 'Somebody whom a job found.',
  fields: (t) => ({
    source: t.string(text('source', 'Who found them: APOLLO or APIFY.')),
    sourceId: t.string(text('id', 'The source’s own id of them.')),
    name: t.string(text('name', 'The whole name, as far as it is known.')),
    firstName: t.string(text('firstName', 'The first name.')),
    lastName: t.string(text('lastName', 'The last name.')),
    email: t.string(text('email', 'An e-mail address.')),
    phone: t.string(text('phone', 'A telephone number.')),
    title: t.string(text('title', 'What they do, such as a job title.')),
    organization: t.string(text('organization', 'The name of the employer.')),
    city: t.string(text('city', 'Where they live: the city.')),
    state: t.string(text('state', 'Where they live: the state or region.')),
    country: t.string(text('country', 'Where they live: the country.')),
    profileUrl: t.string(text('profileUrl', 'Their page at LinkedIn or Instagram.')),
    username: t.string(text('username', 'Their name on the network of that page.')),
    biography: t.string(text('biography', 'What they say of themselves.')),
    followers: t.int({
      nullable: true,
      description: 'How many follow them.',
      resolve: ({ followers }) => (Number.isInteger(followers) ? (followers as number) : null),
    }),
    data: t.field({
      type: 'JSON',
      description: 'All that the result holds of them.',
      resolve: (contact) => contact,
    }),
  }),
})

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

const ContactConnection = builder.connectionObject(
  { type: ContactType, name: 'ContactConnection', description: 'A page of contacts.' },
  { name: 'ContactEdge', description: 'A contact and its place in the result.' },
)

builder.prismaObjectField(JobNode, 'contacts', (t) =>
  t.connection(
    {
      type: ContactType,
      select: { id: true },
      description:
        'The contacts of its result, page by page: everybody whom a SEARCH job found. Empty where the result has no list `contacts`.',
      resolve: async ({ id }, { first, after, last, before }, context) => {
        const { batch, contacts, ownerId, answer } = context
        if (last != null || before != null) throw badInput('Contacts are paged by `first` and `after`.')
        if (first != null && first < 0) throw badInput('`first` must not be negative.')
        const size = Math.min(first ?? DEFAULT_PAGE, MAX_PAGE)
        const from = after == null ? -1 : readCursor(after)
        const page = { after: from, limit: size + 1 }
        const pages = batch('contacts of', page, (ids) =>
          answer.read(FIELD, (maxBytes) => contacts.pagesOf(ownerId, ids, page, maxBytes)),
        )
        const found = await pages.load(id)
        const edges = found.slice(0, size).map(({ index, text: contact }) => {
          answer.parse(FIELD, jsonHeapSize(contact).heapBytes)
          return { cursor: writeCursor(index), node: JSON.parse(contact) as JsonObject }
        })
        return {
          edges,
          pageInfo: {
            hasNextPage: found.length > size,
            hasPreviousPage: from >= 0,
            startCursor: edges.at(0)?.cursor ?? null,
            endCursor: edges.at(-1)?.cursor ?? null,
          },
          totalCount: () =>
            batch('count of contacts', null, (ids) => contacts.countsOf(ownerId, ids)).load(id),
        }
      },
    },
    ContactConnection,
  ),
)

/** A result never changes: a place in it is a cursor. */
function writeCursor(index: number): string {
  return Buffer.from(`contact:${index}`).toString('base64url')
}

function readCursor(cursor: string): number {
  const [, index] = /^contact:(\d{1,7})$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? []
  if (index === undefined) throw badCursor()
  return Number(index)
}
