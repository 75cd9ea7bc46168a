import ipaddr from 'ipaddr.js'
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import type { Awaitable } from '../../lib/turns/index.ts'

/** Counts requests of each sender. Returns how long the sender has to wait, in milliseconds; 0: the request may continue. */
export interface RateLimit {
  /** Counts one more. */
  count(sender: string): Awaitable<number>
  /** The same of one that is not counted yet. */
  look(sender: string): Awaitable<number>
}

/** Maximum requests of one key, token or address in a minute, where users are known and no setting says otherwise. */
export const REQUESTS_PER_MINUTE = 600
/** Maximum pages that one address without a credential is sent in a minute; a lower limit of requests holds for them, too. */
export const PAGES_PER_MINUTE = 120

const WINDOW_S = 60
/** What one customer of a provider has at least: counted by single addresses it would be no limit. */
const IPV6_NETWORK_BITS = 64

/** Maximum requests per minute and sender, counted in this process; 0: no maximum. */
export function createRateLimit(requestsPerMinute: number): RateLimit {
  if (requestsPerMinute === 0) return { count: () => 0, look: () => 0 }
  const limiter = new RateLimiterMemory({ points: requestsPerMinute, duration: WINDOW_S })
  return {
    async count(sender) {
      try {
        await limiter.consume(sender)
        return 0
      } catch (refusal) {
        if (refusal instanceof RateLimiterRes) return Math.max(1, refusal.msBeforeNext)
        throw refusal
      }
    },
    async look(sender) {
      const counted = await limiter.get(sender)
      if (!counted || counted.consumedPoints < requestsPerMinute) return 0
      return Math.max(1, counted.msBeforeNext)
    },
  }
}

/** The sender of a request without a credential. */
export function senderAt(address: string | undefined): string {
  if (address === undefined || !ipaddr.isValid(address)) return 'address unknown'
  const parsed = ipaddr.process(address)
  if (parsed.kind() === 'ipv4') return `address ${parsed.toString()}`
  return `network ${ipaddr.IPv6.networkAddressFromCIDR(`${parsed.toString()}/${IPV6_NETWORK_BITS}`).toString()}`
}
