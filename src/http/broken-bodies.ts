import { GraphQLError } from 'graphql'
import type { Plugin } from 'graphql-yoga'

/** Answers a body that is no JSON with HTTP 400 whatever the client accepts: no GraphQL request has been made. */
export function useBrokenBodies(): Plugin {
  return {
    onRequestParse({ requestParser, setRequestParser }) {
      if (!requestParser) return
      setRequestParser(async (request) => {
        try {
          return await requestParser(request)
        } catch (fault) {
          throw fault instanceof GraphQLError ? badRequest(fault) : fault
        }
      })
    },
  }
}

/** Yoga marks the status as one for clients that know the newer media type only. */
function badRequest({ message }: GraphQLError): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_REQUEST', http: { status: 400 } } })
}
