import { GraphQLError } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import type { Viewer } from '../../access/index.ts'
import {
  RefusedRequestError,
  structureExcessOf,
  tooComplex,
  type Body,
  type OperationTurns,
  type ParseTurns,
} from '../intake/index.ts'

/** The parameters of a GET that hold JSON. */
const JSON_PARAMETERS = ['variables', 'extensions'] as const

type Parser = NonNullable<
  Parameters<Parameters<NonNullable<Plugin['onRequestParse']>>[0]['setRequestParser']>[0]
>
type Params = Awaited<ReturnType<Parser>>

/**
 * Parses the body of a POST when it is its turn, and checks the structure of the JSON parameters of a GET before they are
 * parsed. A request that is not JSON is answered with HTTP 400 whatever media type the client accepts, since no GraphQL
 * request has been made.
 */
export function useRequestParser(
  turns: ParseTurns,
  operationTurns: OperationTurns,
): Plugin<object, { readonly body: Body | null; readonly viewer: Viewer | null }> {
  return {
    onRequestParse({ requestParser, serverContext: { body, viewer }, setRequestParser }) {
      if (!requestParser) return
      setRequestParser(async (request) => {
        try {
          const owner = viewer?.ownerId ?? ''
          await operationTurns.take(owner)
          if (body) {
            const { size } = body
            return await turns.run({ owner, size, signal: request.signal }, () => parseBody(body.take()))
          }
          checkParameters(request)
          return await requestParser(request)
        } catch (fault) {
          throw fault instanceof RefusedRequestError ? refused(fault) : badRequest(fault)
        }
      })
    },
  }
}

function parseBody(bytes: Buffer): Params {
  const params = parseJson(bytes)
  if (typeof params === 'object' && params !== null) return params as Params
  const got = params === null ? 'null' : typeof params
  throw new GraphQLError(`POST body is expected to be object but received ${got}`)
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    throw new GraphQLError('POST body sent invalid JSON.')
  }
}

function checkParameters({ url }: Request): void {
  const { searchParams } = new URL(url)
  for (const name of JSON_PARAMETERS) {
    const excess = structureExcessOf(Buffer.from(searchParams.get(name) ?? ''))
    if (excess) throw tooComplex(excess)
  }
}

/** Yoga reports broken variables of a GET as an internal error. */
function badRequest(fault: unknown): GraphQLError {
  const message = fault instanceof GraphQLError ? fault.message : 'The request holds what is no JSON.'
  return new GraphQLError(message, { extensions: { code: 'BAD_REQUEST', http: { status: 400 } } })
}

function refused({ status, code, message, headers }: RefusedRequestError): GraphQLError {
  return new GraphQLError(message, { extensions: { code, http: { status, headers } } })
}
