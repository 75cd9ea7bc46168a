import pg from 'pg'
import type { Cut } from './tcp-proxy.ts'

/** A statement that a client of this process sends. */
export interface SentStatement {
  readonly text: string
  readonly client: pg.Client
}

/**
 * Breaks the connection of each statement that `isMeant`: `before` it is sent, `during` its work, or `after` the server has done it, so
 * that its answer is lost. All other statements pass. Returns the function that ends this.
 */
export function breakStatements(isMeant: (statement: SentStatement) => boolean, cut: Cut): () => void {
  return interceptStatements((statement, send) => {
    if (!isMeant(statement)) return send()
    const { stream } = (statement.client as unknown as { connection: { stream: { destroy(): void } } })
      .connection
    if (cut === 'before') stream.destroy()
    if (cut === 'during') setImmediate(() => stream.destroy())
    if (cut !== 'after') return send()
    return send(() => {
      stream.destroy()
      return new Error('Connection terminated unexpectedly')
    })
  })
}

/** Lets each statement that this process sends fail with the error that `faultOf` returns for it; null: it is sent. */
export function failStatements(faultOf: (statement: SentStatement) => Error | null): () => void {
  return interceptStatements((statement, send) => {
    const fault = faultOf(statement)
    return fault ? send(() => fault) : send()
  })
}

type Send = (answered?: () => Error) => unknown

/** `send` sends the statement. With `answered` it is answered with that error once the server has done it. */
function interceptStatements(onStatement: (statement: SentStatement, send: Send) => unknown): () => void {
  const prototype = pg.Client.prototype as { query: (...args: unknown[]) => unknown }
  const { query } = prototype
  prototype.query = function intercepted(this: pg.Client, ...args: unknown[]) {
    const [first] = args
    const text = typeof first === 'string' ? first : String((first as { text?: string } | undefined)?.text)
    return onStatement({ text, client: this }, (answered) => {
      if (!answered) return query.apply(this, args)
      const callback = args.at(-1)
      if (typeof callback === 'function')
        return query.apply(this, [
          ...args.slice(0, -1),
          () => (callback as (fault: Error) => void)(answered()),
        ])
      const fail = () => {
        throw answered()
      }
      return (query.apply(this, args) as Promise<unknown>).then(fail, fail)
    })
  }
  return () => void (prototype.query = query)
}
