import { expect, test } from '@jest/globals'
import {
  faultKindOf,
  isQueryTimeout,
  isTransientFault,
  NODE_RULES,
  SQLSTATE_RULES,
  type FaultKind,
} from '../../../src/db/sql/faults.ts'

const KINDS: readonly (readonly [FaultKind, readonly string[]])[] = [
  ['unknownOutcome', ['08000', '08003', '08006', '08P01', '40003', '57P01', '57P02', '57P04', '57P05']],
  ['notApplied', ['08001', '25006', '25P02', '25P03', '28P01', '28000', '3D000', '40000']],
  ['notApplied', ['53000', '53100', '53200', '53300', '53400', '55P03', '57014', '57P03', '58000', '58030']],
  ['conflict', ['40001', '40P01']],
  ['data', ['22001', '22P02', '23505', '23514', '54000']],
  ['defect', ['0A000', '26000', '42501', '42601', '42P01', '55000', 'XX000', 'XX001', 'P0001']],
  ['unknownOutcome', ['ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH']],
  ['notApplied', ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EMFILE', 'CERT_HAS_EXPIRED']],
  ['defect', ['ENOENT', 'EACCES', 'ERR_INVALID_ARG_TYPE', 'QUOTA_EXCEEDED']],
]

test.each(KINDS)('errors of the database of the kind %s are those of %j', (kind, codes) => {
  for (const code of codes) expect([code, faultKindOf(withCode(code))]).toEqual([code, kind])
})

test('each code of the database has one kind, and each kind of a code a reason', () => {
  const rules = [...SQLSTATE_RULES, ...NODE_RULES]
  const codes = rules.flatMap((rule) => rule.codes)
  expect(new Set(codes).size).toBe(codes.length)
  for (const { reason } of rules) expect(reason).toMatch(/^[A-Z].*\.$/)
})

test.each([
  ['Connection terminated unexpectedly', 'unknownOutcome'],
  ['Connection terminated', 'unknownOutcome'],
  ['Query read timeout', 'unknownOutcome'],
  ['Connection terminated due to connection timeout', 'notApplied'],
  ['timeout exceeded when trying to connect', 'notApplied'],
  ['timeout expired', 'notApplied'],
  ['Client has encountered a connection error and is not queryable', 'notApplied'],
  ['Client was closed and is not queryable', 'notApplied'],
  ['Cannot use a pool after calling end on the pool', 'defect'],
  ['something else', 'defect'],
] as const)('the error "%s" of the driver is of the kind %s', (message, kind) => {
  expect(faultKindOf(new Error(message))).toBe(kind)
})

test('a system call that fails before there is a connection has sent no statement', () => {
  for (const code of ['ETIMEDOUT', 'ECONNRESET', 'EHOSTUNREACH', 'ENOENT']) {
    expect(faultKindOf(Object.assign(withCode(code), { syscall: 'connect' }))).toBe('notApplied')
  }
})

test('an error of the database is recognised however deep Prisma and Node have wrapped it', () => {
  const adapter = { name: 'DriverAdapterError', cause: { kind: 'postgres', originalCode: '55P03' } }
  const prisma = Object.assign(withCode('P2010'), { meta: { driverAdapterError: adapter } })
  expect(faultKindOf(prisma)).toBe('notApplied')
  expect(faultKindOf(new Error('a field failed', { cause: prisma }))).toBe('notApplied')
  for (const code of ['P1001', 'P2037']) expect(faultKindOf(withCode(code))).toBe('notApplied')
  expect(faultKindOf(withCode('P1017'))).toBe('unknownOutcome')
  expect(faultKindOf(new AggregateError([withCode('ECONNREFUSED')]))).toBe('notApplied')
  expect(
    isQueryTimeout({ cause: { meta: { driverAdapterError: { cause: { originalCode: '57014' } } } } }),
  ).toBe(true)
})

test('nothing that is thrown makes the look at it throw', () => {
  const hostile = Object.defineProperty({}, 'code', {
    get() {
      throw new Error('hostile')
    },
  })
  const endless: { cause?: unknown } = {}
  endless.cause = endless
  for (const thrown of [hostile, endless, null, undefined, 'ECONNRESET', 7]) {
    expect(isTransientFault(thrown)).toBe(false)
  }
})

function withCode(code: string): Error {
  return Object.assign(new Error('injected'), { code })
}
