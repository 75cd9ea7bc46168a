import type { Server } from 'node:http'
import { codeOf, LumeError } from '../lib/index.ts'

export interface Address {
  readonly host: string
  /** 0 takes any free one. */
  readonly port: number
}

/** Starts listening. Rejects with `PORT_IN_USE` or `HOST_UNUSABLE` where the operator can mend it. */
export function listen(http: Server, { host, port }: Address): Promise<Address> {
  return new Promise((resolve, reject) => {
    http.once('error', (fault) => reject(listenError(fault, { host, port })))
    http.listen(port, host, () => {
      const address = http.address()
      if (address === null || typeof address === 'string') reject(new Error('the server has no port'))
      else resolve({ host, port: address.port })
    })
  })
}

function listenError(fault: unknown, { host, port }: Address): unknown {
  switch (codeOf(fault)) {
    case 'EADDRINUSE':
      return new LumeError(
        'PORT_IN_USE',
        `port ${port} of ${host} is in use; stop whoever has it, or set PORT to another`,
      )
    case 'EACCES':
      return new LumeError(
        'PORT_IN_USE',
        `port ${port} needs more rights than this user has; set PORT above 1023`,
      )
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new LumeError(
        'HOST_UNUSABLE',
        `this machine has no address ${host}; set HOST to one that it has`,
      )
    default:
      return fault
  }
}
