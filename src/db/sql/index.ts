/** Provides what all statements are built from: parameters, pages, batches, and the kinds of database errors. */
export { batched } from './batched.ts'
export { BinaryArrays } from './binary-array.ts'
export type { BoundedRead } from './bounded-read.ts'
export {
  addLists,
  bigint,
  bool,
  float,
  instant,
  int,
  json,
  jsonText,
  listValues,
  parameters,
  parametersOfAnyLength,
  plainValues,
  selectLists,
  selectValues,
  text,
  uuid,
  type Columns,
  type Parameter,
} from './columns.ts'
export { countsPer } from './counts-per.ts'
export {
  faultKindOf,
  isDataFault,
  isOutcomeUnknown,
  isQueryTimeout,
  isTransient,
  isTransientFault,
  isUniqueViolation,
} from './faults.ts'
export {
  containing,
  keysetPage,
  keysetPages,
  StatementValues,
  type KeysetOrder,
  type KeysetPage,
  type KeysetPosition,
} from './keyset.ts'
export {
  CONNECTION_WAIT_MS,
  OWNER_CONNECTIONS_SHARE,
  OwnerConnections,
  shareByOwner,
} from './owner-connections.ts'
export { onOneLine } from './one-line.ts'
export { first, type Queryable } from './rows.ts'
export { MIGRATION_LOCK } from './migration-lock.ts'
