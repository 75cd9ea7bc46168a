import { GraphQLError } from 'graphql'
import type { Role } from '../../access/index.ts'

/** A credential is good, and may not do this. */
export function forbidden(role: Role, requiredRole: Role): GraphQLError {
  return new GraphQLError(`This needs the role ${requiredRole}; this credential has ${role}.`, {
    extensions: { code: 'FORBIDDEN', requiredRole },
  })
}
