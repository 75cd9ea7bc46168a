import type { LookupAddress } from 'node:dns'
import { lookup } from 'node:dns/promises'
import { isIP, type LookupFunction } from 'node:net'
import { Agent, buildConnector, type Dispatcher } from 'undici'
import { BlockError } from '../engine/block/index.ts'
import { isListed, isPlatformAddress, isPublicAddress, type AddressPolicy } from './address-policy.ts'
import { pacedPieces } from './paced-pieces.ts'
import { paceSocket } from './paced-socket.ts'

const CONNECT_TIMEOUT_MS = 5_000

/** All addresses of a host name. */
export type Resolve = (hostname: string) => Promise<readonly LookupAddress[]>

/** Resolves as every other program on the machine does, `/etc/hosts` included. */
export const systemResolve: Resolve = (hostname) => lookup(hostname, { all: true })

/**
 * The connections that one policy permits. The check stands where the connection is made, so that nothing comes between
 * it and its use: a name is judged by the very answer that is then connected to (no DNS rebinding), and refused if any
 * of its addresses is; an IP literal, for which no lookup takes place, is judged before connecting. Open connections
 * are reused without another check, so an agent must serve one policy only.
 */
export function guardedAgent(policy: AddressPolicy, resolve: Resolve): Dispatcher {
  const connectPublic = connectorThrough(vettedLookup(resolve, isPublicAddress))
  const connectListed = connectorThrough(vettedLookup(resolve, (address) => !isPlatformAddress(address)))
  const agent = new Agent({
    // The client's own deadline covers the whole request.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect(options, callback) {
      if (isListed(policy, options)) return connectListed(options, callback)
      const isRefused = isIP(options.hostname) !== 0 && !isPublicAddress(options.hostname)
      return isRefused ? callback(addressRefused(options.hostname), null) : connectPublic(options, callback)
    },
  })
  return agent.compose(pacedPieces)
}

function connectorThrough(vetted: LookupFunction): buildConnector.connector {
  const connect = buildConnector({ timeout: CONNECT_TIMEOUT_MS, lookup: vetted })
  return (options, callback) =>
    connect(options, (...result) => {
      if (result[1]) paceSocket(result[1])
      callback(...result)
    })
}

function vettedLookup(resolve: Resolve, isAllowed: (address: string) => boolean): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname).then(
      (addresses) => {
        const [first] = addresses
        if (!first || !addresses.every(({ address }) => isAllowed(address)))
          callback(addressRefused(hostname), [])
        else if (options.all) callback(null, [...addresses])
        else callback(null, first.address, first.family)
      },
      (failure: NodeJS.ErrnoException) => callback(failure, []),
    )
  }
}

// The address behind a name is left out: it would tell a tenant about the operator's network.
function addressRefused(hostname: string): BlockError {
  return new BlockError(
    'HTTP_ADDRESS_REFUSED',
    `"${hostname}" is not a public address. The operator may allow it by naming the host (or host:port) in ` +
      'LUME_ALLOW_PRIVATE_HOSTS.',
    { details: { host: hostname } },
  )
}
