import { GraphQLError, type DocumentNode, type GraphQLSchema } from 'graphql'
import { schema } from '../../schema/index.ts'

/** A valid document, or its errors. */
export type Prepare = (text: string) => DocumentNode | readonly GraphQLError[]

/** The part of Yoga that reads and validates documents, under the limits of its plugins. */
interface Reader {
  getEnveloped(context: object): {
    parse(text: string): DocumentNode
    validate(schema: GraphQLSchema, document: DocumentNode): readonly GraphQLError[]
  }
}

interface Cache<T> {
  get(text: string): T | undefined
  set(text: string, value: T): void
}

/** Reads documents as Yoga does for HTTP. One that was valid before costs a look into the cache. */
export function createPrepare(yoga: Reader, valid: Cache<DocumentNode>): Prepare {
  return (text) => {
    const known = valid.get(text)
    if (known) return known
    const { parse, validate } = yoga.getEnveloped({})
    const document = parseOr(parse, text)
    const errors = document instanceof GraphQLError ? [document] : validate(schema, document)
    if (errors.length > 0 || document instanceof GraphQLError) return errors
    valid.set(text, document)
    return document
  }
}

/** A syntax error is the answer to one operation; thrown, it would close the connection with all others on it. */
function parseOr(parse: (text: string) => DocumentNode, text: string): DocumentNode | GraphQLError {
  try {
    return parse(text)
  } catch (fault) {
    if (fault instanceof GraphQLError) return parseError(fault)
    throw fault
  }
}

/** With the code that it has over HTTP. */
function parseError(error: GraphQLError): GraphQLError {
  return new GraphQLError(error.message, {
    source: error.source ?? null,
    positions: error.positions ?? null,
    extensions: { code: 'GRAPHQL_PARSE_FAILED', ...error.extensions },
  })
}
