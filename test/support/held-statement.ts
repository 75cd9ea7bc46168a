import pg from 'pg'

export interface HeldStatement {
  /** Resolves when the statement is about to be sent. */
  readonly reached: Promise<void>
  /** Sends it. */
  release(): void
}

/**
 * Holds the `nth` prepared statement whose name is this or begins with this word, from now, that this process sends to Postgres by any pool or client. All
 * other statements pass.
 */
export function holdStatement(name: string, nth = 1): HeldStatement {
  const prototype = pg.Client.prototype as { query: (...args: unknown[]) => unknown }
  const { query } = prototype
  let reach = () => {}
  const reached = new Promise<void>((resolve) => (reach = resolve))
  let release = () => {}
  const released = new Promise<void>((resolve) => (release = resolve))
  let left = nth
  prototype.query = function held(this: unknown, ...args: unknown[]) {
    const [first] = args
    const isMeant =
      typeof first === 'object' &&
      first !== null &&
      'name' in first &&
      `${String(first.name)} `.startsWith(`${name} `)
    if (!isMeant || --left > 0) return query.apply(this, args)
    prototype.query = query
    reach()
    return released.then(() => query.apply(this, args))
  }
  return { reached, release: () => release() }
}
