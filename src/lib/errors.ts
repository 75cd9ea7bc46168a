/**
 * An error that a caller can act on. `code` is stable and part of the contract; `message` says what is wrong and how to
 * mend it and may be shown to a client. Anything else that is thrown is a fault of ours and is masked.
 */
export class LumeError extends Error {
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
    this.code = code
  }
}

/** The message of anything that was thrown, however odd: it never throws itself. */
export function messageOf(thrown: unknown): string {
  try {
    const isObject = typeof thrown === 'object' && thrown !== null
    return String(isObject && 'message' in thrown ? thrown.message : thrown)
  } catch {
    return 'something that cannot be read was thrown'
  }
}

/** The `code` that Node, Postgres and Lume put on their errors, if there is one. Never throws either. */
export function codeOf(thrown: unknown): string | undefined {
  try {
    if (typeof thrown !== 'object' || thrown === null || !('code' in thrown)) return undefined
    return typeof thrown.code === 'string' ? thrown.code : undefined
  } catch {
    return undefined
  }
}
