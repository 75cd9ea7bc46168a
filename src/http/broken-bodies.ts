import { GraphQLError } from 'graphql'
import type { Plugin } from 'graphql-yoga'

/** Answers a request that is no JSON with HTTP 400 whatever the client accepts: no GraphQL request has been made. */
export function useBrokenBodies(): Plugin {
  return {
    onRequestParse({ requestParser, setRequestParser }) {
      if (!requestParser) return
      setRequestParser(async (request) => {
        try {
          return await requestParser(request)
        } catch (fault) {
          throw badRequest(fault)
        }
      })
    },
  }
}

/** Yoga marks the status as one for clients of the newer media type only, and takes broken variables of a GET for a fault. */
function badRequest(fault: unknown): GraphQLError {
  const message = fault instanceof GraphQLError ? fault.message : 'The request holds what is no JSON.'
  return new GraphQLError(message, { extensions: { code: 'BAD_REQUEST', http: { status: 400 } } })
}
