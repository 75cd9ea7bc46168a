import { describe, expect, test } from '@jest/globals'
import { createRateLimit, senderAt } from '../../../src/http/limits/rate-limit.ts'

describe('the sender of a request without a credential', () => {
  test.each([
    ['203.0.113.7', 'address 203.0.113.7'],
    ['::ffff:203.0.113.7', 'address 203.0.113.7'],
    ['2001:db8:1:2:3:4:5:6', 'network 2001:db8:1:2::'],
    ['2001:db8:1:2:ffff::', 'network 2001:db8:1:2::'],
    ['::1', 'network ::'],
    [undefined, 'address unknown'],
    ['nonsense', 'address unknown'],
  ])('%s is the %s', (address, sender) => {
    expect(senderAt(address)).toBe(sender)
  })
})

describe('a rate limit', () => {
  test('says how long the sender has to wait, and counts each sender by itself', async () => {
    const limit = createRateLimit(2)
    expect(await limit.look('a')).toBe(0)
    expect([await limit.count('a'), await limit.look('a'), await limit.count('a')]).toEqual([0, 0, 0])
    expect(await limit.look('a')).toBeGreaterThan(0)
    const waitMs = await limit.count('a')
    expect(waitMs > 0 && waitMs <= 60_000).toBe(true)
    expect(await limit.count('b')).toBe(0)
  })

  test('of 0 is none', async () => {
    const limit = createRateLimit(0)
    for (let i = 0; i < 100; i++) expect(await limit.count('a')).toBe(0)
  })
})
