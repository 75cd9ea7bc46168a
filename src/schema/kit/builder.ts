import SchemaBuilder from '@pothos/core'
import ErrorsPlugin from '@pothos/plugin-errors'
import PrismaPlugin from '@pothos/plugin-prisma'
import RelayPlugin from '@pothos/plugin-relay'
import ScopeAuthPlugin from '@pothos/plugin-scope-auth'
import SimpleObjectsPlugin from '@pothos/plugin-simple-objects'
import { DateTimeResolver, JSONResolver } from 'graphql-scalars'
import { GraphQLError } from 'graphql'
import { isAtLeast, type Role } from '../../access/index.ts'
import { getDatamodel, type PrismaTypes } from '../../db/index.ts'
import { badInput } from './bad-input.ts'
import type { Context } from './context.ts'
import { EXPRESSION_WORDS } from './definition-words.ts'
import { readNodeId } from './global-id.ts'
import { KNOWN_ROWS } from './known-row.ts'
import { nodeRows } from './node-rows.ts'

/** Of every connection. */
export const DEFAULT_PAGE = 20
export const MAX_PAGE = 100
const MAX_NODES = 100

/** Collects the types of the schema; every file under `src/schema` adds its own. */
export const builder = new SchemaBuilder<{
  Context: Context
  PrismaTypes: PrismaTypes
  DefaultFieldNullability: false
  Scalars: {
    DateTime: { Input: Date; Output: Date }
    JSON: { Input: unknown; Output: unknown }
    RetryFrom: { Input: string; Output: string }
    ID: { Input: string; Output: string | number | bigint }
  }
  Connection: { totalCount: () => Promise<number> }
  /** `role`: the least that a field needs. Every root field has one by its type, below; a field may ask for more. */
  AuthScopes: { role: Role }
}>({
  plugins: [ErrorsPlugin, ScopeAuthPlugin, RelayPlugin, KNOWN_ROWS, PrismaPlugin, SimpleObjectsPlugin],
  defaultFieldNullability: false,
  relay: {
    cursorType: 'String',
    decodeGlobalID: readNodeId,
    idFieldOptions: { description: 'A global id: unique among all objects, and good for `node`.' },
    nodeTypeOptions: { description: 'What can be read again by its global id.' },
    nodeQueryOptions: {
      description: 'Any object by its global id; null when there is none, or it is not yours.',
      args: { id: { description: 'A global id.' } },
    },
    nodesQueryOptions: {
      description: 'Several objects by their global ids, in order; null for each that is not there.',
      args: {
        ids: {
          description: 'Global ids.',
          extensions: { acceptedItems: MAX_NODES, maxItems: 10 * MAX_NODES },
        },
      },
      resolve: (_root, { ids }, context, info) => {
        if (ids.length > MAX_NODES) throw badInput(`\`nodes\` takes at most ${MAX_NODES} ids.`)
        return nodeRows(ids, context, info)
      },
    },
    pageInfoTypeOptions: { description: 'Where a page stands in its list.' },
    hasNextPageFieldOptions: { description: 'True when more follows after `endCursor`.' },
    hasPreviousPageFieldOptions: { description: 'True when more stands before `startCursor`.' },
    startCursorFieldOptions: { description: 'The cursor of the page’s first item; null when it is empty.' },
    endCursorFieldOptions: { description: 'The cursor of the page’s last item; null when it is empty.' },
    pageInfoFieldOptions: { description: 'Whether there is more, and how to get it.' },
    edgesFieldOptions: { description: 'The items of this page, in order, each with its cursor.' },
    cursorFieldOptions: { description: 'Where the item stands, for `after` and `before`.' },
    nodeFieldOptions: { description: 'The item.' },
    firstArgOptions: { description: `How many from the front, up to ${MAX_PAGE}; default ${DEFAULT_PAGE}.` },
    afterArgOptions: { description: 'Only what follows this cursor; goes with `first`.' },
    lastArgOptions: { description: `How many from the end, up to ${MAX_PAGE}.` },
    beforeArgOptions: { description: 'Only what stands before this cursor; goes with `last`.' },
  },
  prisma: {
    client: ({ prisma }) => prisma,
    dmmf: getDatamodel(),
    // The schema's own words describe the API; the tables' describe the tables.
    exposeDescriptions: false,
    defaultConnectionSize: DEFAULT_PAGE,
    maxConnectionSize: MAX_PAGE,
  },
  errors: { defaultTypes: [], directResult: true },
  scopeAuth: {
    // Before the first event, too, and not only with each.
    authorizeOnSubscribe: true,
    authScopes: ({ viewer: { role } }) => ({
      role: (needed) => {
        if (!isAtLeast(role, needed)) throw forbidden(role, needed)
        return true
      },
    }),
  },
})

/** What the fields of an input type are made with, for fields that several types share. */
export type InputFields = PothosSchemaTypes.InputFieldBuilder<typeof builder.$inferSchemaTypes, 'InputObject'>

builder.queryType({ description: 'Everything that can be read.', authScopes: { role: 'VIEWER' } })
builder.mutationType({
  description: 'Everything that can be changed. Each answers its payload or a typed error.',
  authScopes: { role: 'EDITOR' },
})
builder.subscriptionType({
  description: 'Everything that can be watched, over WebSocket (graphql-transport-ws) or SSE.',
  authScopes: { role: 'VIEWER' },
})

builder.addScalarType('DateTime', DateTimeResolver, {
  description: 'An instant in RFC 3339, such as `2026-11-23T10:00:00.000Z`.',
})
builder.addScalarType('JSON', JSONResolver, {
  description: `Any JSON value, also as a literal in a document. For definitions and configs: ${EXPRESSION_WORDS}`,
})

builder.globalConnectionField('totalCount', (t) =>
  t.int({
    description: 'How many there are on all pages; counted only when it is asked for.',
    // Tells Pothos that the items need not be read for it.
    extensions: { pothosPrismaTotalCount: true },
    resolve: ({ totalCount }) => totalCount(),
  }),
)

/** A credential is good, and may not do this. */
function forbidden(role: Role, requiredRole: Role): GraphQLError {
  return new GraphQLError(`This needs the role ${requiredRole}; this credential has ${role}.`, {
    extensions: { code: 'FORBIDDEN', requiredRole },
  })
}
