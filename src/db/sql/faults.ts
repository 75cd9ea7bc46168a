import { codeOf, messageOf } from '../../lib/index.ts'

const NODE_CONNECTION_CODES = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
])
// Class 08: connection exceptions. 53300: no connection is free. 57P01–57P03, 57P05: the server stops, crashed, is not up
// yet, or found the session idle for too long.
const CONNECTION_STATES = /^(08...|53300|57P0[1235])$/
// What pg itself says, without a code, when a socket ends in the middle.
const CONNECTION_MESSAGES =
  /Connection terminated|Client (has encountered a connection error|was closed)|timeout exceeded when trying to connect/
// 40001: serialization failure. 40P01: deadlock. Nothing was written, and nobody's data is to blame.
const RETRYABLE_STATES = new Set(['40001', '40P01'])
// Class 22: data exceptions. Class 23: integrity violations. 54: limits exceeded. The statement's own values are to blame.
const DATA_STATES = /^(22|23|54)/

/** The connection broke, so it is not known whether the statement took effect. */
export function isConnectionFault(fault: unknown): boolean {
  const code = codeOf(fault)
  if (code === undefined) return CONNECTION_MESSAGES.test(messageOf(fault))
  return NODE_CONNECTION_CODES.has(code) || CONNECTION_STATES.test(code)
}

/** The same statement may well succeed a moment later. */
export function isPassingFault(fault: unknown): boolean {
  return isConnectionFault(fault) || RETRYABLE_STATES.has(codeOf(fault) ?? '')
}

/** The database refuses the values themselves. */
export function isDataFault(fault: unknown): boolean {
  return DATA_STATES.test(codeOf(fault) ?? '')
}

/** A unique index of that name refuses the values. */
export function isUniqueViolation(fault: unknown, index: string): boolean {
  return codeOf(fault) === '23505' && (fault as { constraint?: unknown }).constraint === index
}

/** How deep Prisma wraps the error of a statement at most. */
const MAX_CAUSES = 5

/** A statement was ended because it took longer than its connection allows. */
export function isQueryTimeout(fault: unknown): boolean {
  let cause = fault
  for (let depth = 0; depth < MAX_CAUSES && typeof cause === 'object' && cause !== null; depth++) {
    const { code, originalCode, meta } = cause as {
      readonly code?: unknown
      readonly originalCode?: unknown
      readonly meta?: { readonly driverAdapterError?: unknown }
    }
    if (code === QUERY_CANCELED || originalCode === QUERY_CANCELED) return true
    cause = (cause as { readonly cause?: unknown }).cause ?? meta?.driverAdapterError
  }
  return false
}

const QUERY_CANCELED = '57014'
