import { assertNever, codeOf } from '../../lib/index.ts'

/** What an error of the database means for the statement that met it. */
export type FaultKind =
  /** The connection ended while the statement was under way, so it is not known whether the statement took effect. */
  | 'unknownOutcome'
  /** The statement took no effect, and the same statement may succeed later. */
  | 'notApplied'
  /** The same, because another transaction was in the way: the statement may succeed at once. */
  | 'conflict'
  /** The database refuses the statement's own values. Nothing was written, and the same values are refused again. */
  | 'data'
  /** A bug or a wrong configuration. To repeat the statement does not help. */
  | 'defect'

/** One kind for some codes, and the reason for it. */
export interface FaultRule {
  readonly codes: readonly string[]
  readonly kind: FaultKind
  readonly reason: string
}

/**
 * Kinds of SQLSTATEs. A code of two characters is a class, and stands for all states of it that have no rule of their own.
 * Source: PostgreSQL documentation, appendix A, "PostgreSQL Error Codes". States without a rule are defects.
 */
export const SQLSTATE_RULES: readonly FaultRule[] = [
  {
    codes: ['08'],
    kind: 'unknownOutcome',
    reason:
      'Connection exceptions, among them those of poolers: the statement may have been on its way to the server.',
  },
  {
    codes: ['08001', '08004'],
    kind: 'notApplied',
    reason: 'The connection was not established, so no statement was sent over it.',
  },
  {
    codes: ['22', '23', '54'],
    kind: 'data',
    reason:
      'Data exceptions, violated constraints and exceeded limits: the values are refused whenever they are sent.',
  },
  {
    codes: ['25006'],
    kind: 'notApplied',
    reason:
      'The server takes no writes, as a former primary does after a failover. A new connection leads to the new primary.',
  },
  {
    codes: ['25P02'],
    kind: 'notApplied',
    reason: 'The transaction had failed before, so all of it is rolled back.',
  },
  {
    codes: ['25P03', '25P04'],
    kind: 'notApplied',
    reason: 'The server ended a transaction that was idle or took too long, and rolled it back.',
  },
  {
    codes: ['28', '3D000'],
    kind: 'notApplied',
    reason:
      'The server refuses the user or does not know the database, although it took both when the process started: the ' +
      'password is being changed, or the database restored. No statement was sent.',
  },
  {
    codes: ['40'],
    kind: 'notApplied',
    reason: 'The server rolled the transaction back.',
  },
  {
    codes: ['40001', '40P01'],
    kind: 'conflict',
    reason:
      'Serialization failures and deadlocks: the other transaction has gone on, and this one may follow.',
  },
  {
    codes: ['40003'],
    kind: 'unknownOutcome',
    reason: 'The server says that the outcome of the statement is unknown.',
  },
  {
    codes: ['53'],
    kind: 'notApplied',
    reason:
      'The server lacks disk, memory or connections. The statement was rolled back, and succeeds once there is room.',
  },
  {
    codes: ['55P03'],
    kind: 'notApplied',
    reason:
      'A lock was not obtained within `lock_timeout`. The statement succeeds once the lock is released.',
  },
  {
    codes: ['57014'],
    kind: 'notApplied',
    reason:
      'The statement was canceled, by `statement_timeout` or an operator, and rolled back. What it waited for may be gone next time.',
  },
  {
    codes: ['57P01', '57P02', '57P04', '57P05'],
    kind: 'unknownOutcome',
    reason:
      'The server ends the session: it shuts down, another of its processes crashed, the database was dropped, or the ' +
      'session was idle for too long. A commit may have come before that.',
  },
  {
    codes: ['57P03'],
    kind: 'notApplied',
    reason: 'The server starts, recovers or shuts down and takes no connections, so no statement was sent.',
  },
  {
    codes: ['58'],
    kind: 'notApplied',
    reason: 'The server’s operating system or its files failed. The statement was rolled back.',
  },
  {
    codes: ['72000'],
    kind: 'notApplied',
    reason: 'The snapshot of the statement became too old. The next attempt takes a new one.',
  },
  {
    codes: ['XX'],
    kind: 'defect',
    reason:
      'Internal errors and corrupted tables or indexes. They come again with the same statement, and an operator has to know of them.',
  },
]

/** Kinds of the errors of Node’s sockets and name look-ups, while a statement is under way. */
export const NODE_RULES: readonly FaultRule[] = [
  {
    codes: [
      'ECONNRESET',
      'ECONNABORTED',
      'EPIPE',
      'ETIMEDOUT',
      'ENETRESET',
      'ENETDOWN',
      'ENETUNREACH',
      'EHOSTDOWN',
      'EHOSTUNREACH',
      'ENOTCONN',
      'EPROTO',
      'ERR_SOCKET_CLOSED',
      'ERR_STREAM_DESTROYED',
      'ERR_STREAM_PREMATURE_CLOSE',
      'ERR_STREAM_WRITE_AFTER_END',
    ],
    kind: 'unknownOutcome',
    reason: 'The connection broke, perhaps after the server had received the statement.',
  },
  {
    codes: ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'EAI_NODATA', 'EAI_NONAME'],
    kind: 'notApplied',
    reason: 'The server’s name or the server itself was not found, so no statement was sent.',
  },
  {
    codes: ['EADDRNOTAVAIL', 'EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM'],
    kind: 'notApplied',
    reason: 'This machine has no port, file descriptor or memory left for a connection.',
  },
  {
    codes: [
      'CERT_HAS_EXPIRED',
      'CERT_NOT_YET_VALID',
      'CERT_REVOKED',
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'ERR_TLS_CERT_ALTNAME_INVALID',
      'HOSTNAME_MISMATCH',
      'SELF_SIGNED_CERT_IN_CHAIN',
      'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    ],
    kind: 'notApplied',
    reason:
      'The server’s certificate is not accepted, although it was when the process started. No statement was sent, and a ' +
      'renewed certificate needs no restart here.',
  },
]

/** Kinds of the codes that Prisma puts in place of the driver’s, where it keeps none of them. */
const PRISMA_RULES: readonly FaultRule[] = [
  {
    codes: ['P1000', 'P1001', 'P1002', 'P1003', 'P1010', 'P1011', 'P2024', 'P2037'],
    kind: 'notApplied',
    reason: 'There was no connection: the server was not found, refused it, or had none left.',
  },
  { codes: ['P1008', 'P1017'], kind: 'unknownOutcome', reason: 'The connection broke.' },
  { codes: ['P2034'], kind: 'conflict', reason: 'Serialization failures and deadlocks.' },
]

/** Kinds of errors of pg that have no code, by what their messages begin with. */
const MESSAGE_RULES: readonly { readonly beginning: string; readonly kind: FaultKind }[] = [
  // The pool or the client gave up before there was a connection, or the connection had ended before the statement.
  { beginning: 'timeout exceeded when trying to connect', kind: 'notApplied' },
  { beginning: 'timeout expired', kind: 'notApplied' },
  { beginning: 'Connection terminated due to connection timeout', kind: 'notApplied' },
  { beginning: 'Client has encountered a connection error', kind: 'notApplied' },
  { beginning: 'Client was closed and is not queryable', kind: 'notApplied' },
  { beginning: 'There was an error establishing an SSL connection', kind: 'notApplied' },
  // The connection ended, or `query_timeout` passed, while the statement was under way.
  { beginning: 'Connection terminated', kind: 'unknownOutcome' },
  { beginning: 'Query read timeout', kind: 'unknownOutcome' },
]

const KINDS: ReadonlyMap<string, FaultKind> = new Map(
  [...SQLSTATE_RULES, ...NODE_RULES, ...PRISMA_RULES].flatMap(({ codes, kind }) =>
    codes.map((code) => [code, kind] as const),
  ),
)
const SQLSTATE = /^[0-9A-Z]{5}$/
const CLASS_LENGTH = 2

/** How deep an error of a statement is wrapped at most. */
const MAX_CAUSES = 6

/** What an error means for the statement that met it, however deep Prisma and others have wrapped it. Never throws. */
export function faultKindOf(fault: unknown): FaultKind {
  for (const cause of causesOf(fault)) {
    const kind = kindOf(cause)
    if (kind !== null) return kind
  }
  return 'defect'
}

/** The statement may succeed later: it is repeated, and no execution is to blame for it. */
export function isTransientFault(fault: unknown): fault is object {
  return isTransient(faultKindOf(fault))
}

/** The same of a kind. */
export function isTransient(kind: FaultKind): boolean {
  switch (kind) {
    case 'unknownOutcome':
    case 'notApplied':
    case 'conflict':
      return true
    case 'data':
    case 'defect':
      return false
    default:
      return assertNever(kind)
  }
}

/** It is not known whether the statement took effect. */
export function isOutcomeUnknown(fault: unknown): boolean {
  return faultKindOf(fault) === 'unknownOutcome'
}

/** The database refuses the values themselves. */
export function isDataFault(fault: unknown): boolean {
  return faultKindOf(fault) === 'data'
}

/** A unique index of that name refuses the values. */
export function isUniqueViolation(fault: unknown, index: string): boolean {
  return codeOf(fault) === '23505' && (fault as { constraint?: unknown }).constraint === index
}

/** A statement was ended because it took longer than its connection allows. */
export function isQueryTimeout(fault: unknown): boolean {
  return causesOf(fault).some(({ codes }) => codes.includes(QUERY_CANCELED))
}

const QUERY_CANCELED = '57014'

/** One error of those that are wrapped into each other. */
interface Cause {
  /** The driver’s code first. */
  readonly codes: readonly string[]
  readonly message: string
  /** Null unless a system call failed. */
  readonly syscall: string | null
}

/** Null for an error that no rule is about. */
function kindOf({ codes, message, syscall }: Cause): FaultKind | null {
  const isOfConnecting = syscall === 'connect' || syscall === 'getaddrinfo'
  for (const code of codes) {
    const kind = KINDS.get(code) ?? (SQLSTATE.test(code) ? KINDS.get(code.slice(0, CLASS_LENGTH)) : undefined)
    // A connection that was not made carries no statement.
    if (kind === 'unknownOutcome' && isOfConnecting) return 'notApplied'
    if (kind !== undefined) return kind
    // The socket of a server on this machine is a file, which is gone while the server restarts.
    if (code === 'ENOENT' && isOfConnecting) return 'notApplied'
  }
  return MESSAGE_RULES.find(({ beginning }) => message.startsWith(beginning))?.kind ?? null
}

/** An error and what it was made of, the outermost first. */
function causesOf(fault: unknown): readonly Cause[] {
  const causes: Cause[] = []
  try {
    for (let error = fault; isObject(error) && causes.length < MAX_CAUSES; error = innerOf(error)) {
      const { originalCode, code, message, syscall } = error
      causes.push({
        codes: [originalCode, code].filter((each) => typeof each === 'string'),
        message: typeof message === 'string' ? message : '',
        syscall: typeof syscall === 'string' ? syscall : null,
      })
    }
  } catch {
    // An error that cannot be read is none of the database’s.
  }
  return causes
}

type Fields = { readonly [name: string]: unknown }

function innerOf({ cause, meta, errors }: Fields): unknown {
  if (isObject(cause)) return cause
  if (isObject(meta)) return meta.driverAdapterError
  // Node tries each address of a name.
  return Array.isArray(errors) ? errors[0] : undefined
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null
}
