import { readFile } from 'node:fs/promises'
import { GraphQLError, parse, validate, type GraphQLSchema } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import { z } from 'zod'
import { LumeError, messageOf } from '../../lib/index.ts'

/** The only documents that run, by their ids. */
export type PersistedDocuments = ReadonlyMap<string, string>

/** What a client sends to name a document; a text that is one of them will do, too. */
interface NamedDocument {
  readonly query?: string | null | undefined
  readonly documentId?: unknown
  readonly extensions?: Readonly<Record<string, unknown>> | null | undefined
}

const fileSchema = z.record(z.string().min(1), z.string().min(1))
const extensionSchema = z.object({ persistedQuery: z.object({ sha256Hash: z.string() }) })

/** Reads a JSON file of documents by id, as code generators write it. Throws `PERSISTED_DOCUMENTS_INVALID`. */
export async function readPersistedDocuments(
  path: string,
  schema: GraphQLSchema,
): Promise<PersistedDocuments> {
  const unusable = (reason: string) =>
    new LumeError('PERSISTED_DOCUMENTS_INVALID', `LUME_PERSISTED_DOCUMENTS=${path} cannot be used: ${reason}`)
  const file = await readJson(path).catch((fault: unknown) => {
    throw unusable(messageOf(fault))
  })
  const parsed = fileSchema.safeParse(file)
  if (!parsed.success) throw unusable('it is no JSON object of documents by their ids')
  const documents = new Map(Object.entries(parsed.data))
  for (const [id, text] of documents) {
    const problem = problemOf(text, schema)
    if (problem) throw unusable(`document "${id}": ${problem}`)
  }
  return documents
}

async function readJson(path: string): Promise<unknown> {
  return JSON.parse(await readFile(path, 'utf8'))
}

function problemOf(text: string, schema: GraphQLSchema): string | null {
  try {
    return validate(schema, parse(text))[0]?.message ?? null
  } catch (fault) {
    return messageOf(fault)
  }
}

/** The text of the document that a request names, or the error for a client that names none. */
export function findDocument(documents: PersistedDocuments, params: NamedDocument): string | GraphQLError {
  const hash = extensionSchema.safeParse(params.extensions).data?.persistedQuery.sha256Hash
  const id = typeof params.documentId === 'string' ? params.documentId : hash
  const text = id === undefined ? params.query : documents.get(id)
  const isKnown = typeof text === 'string' && (id !== undefined || valuesOf(documents).has(text))
  return isKnown ? text : notFound()
}

const known = new WeakMap<PersistedDocuments, ReadonlySet<string>>()

function valuesOf(documents: PersistedDocuments): ReadonlySet<string> {
  const values = known.get(documents) ?? new Set(documents.values())
  known.set(documents, values)
  return values
}

function notFound(): GraphQLError {
  const message =
    'This server runs persisted documents only, and this is none of them: name one by `documentId`, or by ' +
    '`extensions.persistedQuery.sha256Hash`.'
  return new GraphQLError(message, {
    extensions: { code: 'PERSISTED_DOCUMENT_NOT_FOUND', http: { status: 400 } },
  })
}

/** Puts the named document in the place of the request's own, over HTTP. */
export function usePersistedDocuments(documents: PersistedDocuments): Plugin {
  return {
    onParams({ request, params, setParams }) {
      const { documentId = idInUrl(request), ...rest } = params as typeof params & NamedDocument
      const query = findDocument(documents, { ...rest, documentId })
      if (query instanceof GraphQLError) throw query
      setParams({ ...rest, query })
    },
  }
}

/** Where a GET names its document; Yoga reads only the parameters that it knows. */
function idInUrl({ method, url }: Request): string | undefined {
  return method === 'GET' ? (new URL(url).searchParams.get('documentId') ?? undefined) : undefined
}
