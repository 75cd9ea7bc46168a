import SchemaBuilder from '@pothos/core'
import ErrorsPlugin from '@pothos/plugin-errors'
import PrismaPlugin from '@pothos/plugin-prisma'
import RelayPlugin from '@pothos/plugin-relay'
import SimpleObjectsPlugin from '@pothos/plugin-simple-objects'
import { DateTimeResolver, JSONResolver } from 'graphql-scalars'
import type PrismaTypes from '../db/generated/pothos.ts'
import { getDatamodel } from '../db/generated/pothos.ts'
import type { Context } from './context.ts'

/** Collects the types of the schema; every file of this folder adds its own. */
export const builder = new SchemaBuilder<{
  Context: Context
  PrismaTypes: PrismaTypes
  DefaultFieldNullability: false
  Scalars: {
    DateTime: { Input: Date; Output: Date }
    JSON: { Input: unknown; Output: unknown }
    ID: { Input: string; Output: string | number | bigint }
  }
}>({
  plugins: [ErrorsPlugin, RelayPlugin, PrismaPlugin, SimpleObjectsPlugin],
  defaultFieldNullability: false,
  relay: {
    cursorType: 'String',
    nodeQueryOptions: {
      description: 'Any object by its global id; null when there is none, or it is not yours.',
    },
    nodesQueryOptions: {
      description: 'Several objects by their global ids, in order; null for each that is not there.',
    },
  },
  prisma: {
    client: ({ prisma }) => prisma,
    dmmf: getDatamodel(),
    // The schema's own words describe the API; the tables' describe the tables.
    exposeDescriptions: false,
    filterConnectionTotalCount: true,
  },
  errors: { defaultTypes: [], directResult: true },
})

builder.queryType({ description: 'Everything that can be read.' })
builder.mutationType({
  description: 'Everything that can be changed. Each answers its payload or a typed error.',
})
builder.subscriptionType({
  description: 'Everything that can be watched, over WebSocket (graphql-transport-ws) or SSE.',
})

builder.addScalarType('DateTime', DateTimeResolver, {
  description: 'An instant in RFC 3339, such as `2026-11-23T10:00:00.000Z`.',
})
builder.addScalarType('JSON', JSONResolver, { description: 'Any JSON value.' })
