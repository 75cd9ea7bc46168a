import { isIPv6 } from 'node:net'
import ipaddr from 'ipaddr.js'

/**
 * What the operator opens although it is not public. Public addresses are open to everybody; all others (loopback,
 * private networks, link-local, carrier NAT, reserved…) only through an entry here. Entries are compared exactly: no
 * wildcards, no ranges, and a name is not the address it resolves to.
 */
export interface AddressPolicy {
  /** `host`, which opens every port, or `host:port`. */
  readonly allowedHosts: readonly string[]
  /** Whole origins, such as `http://127.0.0.1:4000`: scheme, host and port must all be the same. */
  readonly allowedOrigins: readonly string[]
}

/** Where a connection is about to go: a `URL`, or what undici hands to a connector (there, IPv6 has no brackets). */
export interface Endpoint {
  readonly protocol: string
  readonly hostname: string
  readonly port: string
}

export interface AllowedHost {
  /** As a `URL` spells it: lower case, IPv6 in brackets. */
  readonly hostname: string
  /** Null: every port. */
  readonly port: string | null
}

/** Reads one `host` or `host:port`, IPv6 with or without brackets; null when it is neither. */
export function parseAllowedHost(text: string): AllowedHost | null {
  const [, host, port] = /^(\[[^\]]+\]|[^:/?#@\\\s[\]]+)(?::(\d{1,5}))?$/.exec(bracketed(text.trim())) ?? []
  if (!host || !URL.canParse(`http://${host}`)) return null
  return {
    hostname: new URL(`http://${host}`).hostname,
    port: port === undefined ? null : String(Number(port)),
  }
}

/** Whether the operator opened this endpoint. */
export function isListed(policy: AddressPolicy, endpoint: Endpoint): boolean {
  const hostname = bracketed(endpoint.hostname)
  const port = endpoint.port || (endpoint.protocol === 'https:' ? '443' : '80')
  const origin = new URL(`${endpoint.protocol}//${hostname}:${port}`).origin
  return (
    policy.allowedOrigins.some((allowed) => URL.canParse(allowed) && new URL(allowed).origin === origin) ||
    policy.allowedHosts.some((text) => {
      const allowed = parseAllowedHost(text)
      return allowed?.hostname === hostname && (allowed.port === null || allowed.port === port)
    })
  )
}

/** Whether an IP address belongs to the public internet. An address that cannot be read does not. */
export function isPublicAddress(address: string): boolean {
  const ip = parseAddress(address)
  if (ip?.range() !== 'unicast' || isPlatformAddress(address)) return false
  // IPv6 hands out public addresses from 2000::/3 alone; outside it lie such as ::127.0.0.1 (RFC 4291 section 2.5.5.1).
  return ip.kind() === 'ipv4' || (ip.toByteArray()[0] ?? 0) >> 5 === 1
}

// Where clouds answer their virtual machines outside the link-local ranges: AWS (IPv6), Google (IPv6), Alibaba, Azure.
const PLATFORM_ADDRESSES = ['fd00:ec2::254', 'fd20:ce::254', '100.100.100.200', '168.63.129.16'].map(
  (address) => ipaddr.process(address).toNormalizedString(),
)

/**
 * Whether an address is of the kind that cloud platforms serve credentials from (169.254.0.0/16 above all). No name may
 * lead there, not even a listed one: only the address itself, listed as a host.
 */
export function isPlatformAddress(address: string): boolean {
  const ip = parseAddress(address)
  return ip !== null && (ip.range() === 'linkLocal' || PLATFORM_ADDRESSES.includes(ip.toNormalizedString()))
}

/** IPv4 addresses that come mapped into IPv6 are read as IPv4. */
function parseAddress(address: string): ipaddr.IPv4 | ipaddr.IPv6 | null {
  return ipaddr.isValid(address) ? ipaddr.process(address) : null
}

function bracketed(host: string): string {
  return isIPv6(host) ? `[${host}]` : host
}
