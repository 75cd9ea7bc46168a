import { LumeError } from '../../lib/index.ts'

export interface Refusal {
  readonly status: number
  readonly code: string
  readonly message: string
  readonly headers?: Readonly<Record<string, string>>
}

/** A request that is not let in, for a reason that its sender may know. */
export class RefusedRequestError extends LumeError {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>

  constructor({ status, code, message, headers = {} }: Refusal, options?: ErrorOptions) {
    super(code, message, options)
    this.status = status
    this.headers = headers
  }
}
