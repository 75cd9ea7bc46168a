/**
 * What every session has, whatever the server, the database, the role or the URL set by default. Lengths of time are in milliseconds
 * unless they have a unit.
 */
const SETTINGS: Readonly<Record<string, string>> = {
  // Statements rely on it: under a stricter level they fail where another transaction came first.
  default_transaction_isolation: 'read committed',
  default_transaction_read_only: 'off',
  default_transaction_deferrable: 'off',
  // Prisma and pg read values in these formats; in another time zone instants would be stored hours off.
  TimeZone: 'UTC',
  DateStyle: 'ISO, MDY',
  IntervalStyle: 'postgres',
  client_encoding: 'UTF8',
  bytea_output: 'hex',
  extra_float_digits: '1',
  standard_conforming_strings: 'on',
  array_nulls: 'on',
  // A statement waits for locks as long as it may take altogether.
  lock_timeout: '0',
  statement_timeout: '300000',
  // A process that is frozen within a transaction holds its locks no longer than this.
  idle_in_transaction_session_timeout: '60000',
  idle_session_timeout: '0',
  // The server ends the session of a client that is gone without a word within about 25 s, and its locks with it.
  tcp_keepalives_idle: '10',
  tcp_keepalives_interval: '5',
  tcp_keepalives_count: '3',
}

/**
 * Returns the statement that gives a new session its settings, `more` among them, and answers with one row: `pid`, the server process of
 * the session. A statement and no startup parameters, because poolers refuse most of these. A commit waits for the disk even where
 * the database sets `synchronous_commit` to `off`; stricter values are kept.
 */
export function sessionStatement(more: Readonly<Record<string, string>> = {}): string {
  const settings = Object.entries({ ...SETTINGS, ...more })
  const calls = settings.map(([name, value]) => `set_config('${name}', '${value}', false)`)
  return `SELECT pg_backend_pid() AS pid, set_config('synchronous_commit',
    CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, false),
    ${calls.join(', ')}`
}
