import { describe, expect, it } from '@jest/globals'
import {
  isListed,
  isPlatformAddress,
  isPublicAddress,
  parseAllowedHost,
} from '../../../src/net/address-policy.ts'

describe('a public address', () => {
  it.each(['93.184.216.34', '1.1.1.1', '2606:2800:220:1:248:1893:25c8:1946', '::ffff:93.184.216.34'])(
    'is %s',
    (ip) => {
      expect(isPublicAddress(ip)).toBe(true)
    },
  )

  it.each([
    ['loopback', '127.0.0.1'],
    ['loopback', '127.255.255.254'],
    ['loopback', '::1'],
    ['loopback, mapped', '::ffff:127.0.0.1'],
    ['loopback, mapped in hex', '::ffff:7f00:1'],
    ['loopback, compatible', '::127.0.0.1'],
    ['unspecified', '0.0.0.0'],
    ['unspecified', '::'],
    ['this network', '0.1.2.3'],
    ['private', '10.0.0.1'],
    ['private', '172.16.0.1'],
    ['private', '172.31.255.255'],
    ['private', '192.168.1.1'],
    ['carrier NAT', '100.64.0.1'],
    ['link-local', '169.254.169.254'],
    ['link-local', 'fe80::1'],
    ['link-local with a zone', 'fe80::1%eth0'],
    ['unique local', 'fd12:3456::1'],
    ['site-local', 'fec0::1'],
    ['multicast', '224.0.0.1'],
    ['multicast', 'ff02::1'],
    ['broadcast', '255.255.255.255'],
    ['reserved', '240.0.0.1'],
    ['benchmarking', '198.18.0.1'],
    ['documentation', '203.0.113.9'],
    ['documentation', '2001:db8::1'],
    ['NAT64 of loopback', '64:ff9b::7f00:1'],
    ['local NAT64 of loopback', '64:ff9b:1::7f00:1'],
    ['6to4 of loopback', '2002:7f00:1::'],
    ['Teredo', '2001:0:4136:e378::1'],
    ['Azure platform', '168.63.129.16'],
    ['no address', 'example.com'],
    ['nothing', ''],
  ])('is not %s (%s)', (_, ip) => {
    expect(isPublicAddress(ip)).toBe(false)
  })

  it.each([
    '169.254.169.254',
    '::ffff:169.254.169.254',
    'fd00:ec2::254',
    '100.100.100.200',
    'fe80::a9fe:a9fe',
  ])('of a cloud platform is known: %s', (ip) => expect(isPlatformAddress(ip)).toBe(true))
})

describe('an allowed host', () => {
  it.each([
    ['db.internal', { hostname: 'db.internal', port: null }],
    ['DB.Internal:5432', { hostname: 'db.internal', port: '5432' }],
    ['db.internal:80', { hostname: 'db.internal', port: '80' }],
    ['10.0.0.5:443', { hostname: '10.0.0.5', port: '443' }],
    ['::1', { hostname: '[::1]', port: null }],
    ['[::1]:4000', { hostname: '[::1]', port: '4000' }],
  ])('is read from %s', (text, host) => {
    expect(parseAllowedHost(text)).toEqual(host)
  })

  it.each([
    '',
    '*.internal:x',
    'http://db.internal',
    'db.internal/path',
    'user@db.internal',
    'a b',
    '10.0.0.0/8',
    '[::1',
  ])('is not read from "%s"', (text) => expect(parseAllowedHost(text)).toBeNull())
})

describe('the list of the operator', () => {
  const policy = {
    allowedHosts: ['db.internal', '10.0.0.5:8080', '[::1]:80'],
    allowedOrigins: ['http://127.0.0.1:4000'],
  }

  it.each([
    'http://db.internal/',
    'https://DB.internal:9999/',
    'http://10.0.0.5:8080/',
    'https://10.0.0.5:8080/',
    'http://[::1]/',
    'http://127.0.0.1:4000/graphql',
    'http://2130706433:4000/',
  ])('opens %s', (url) => {
    expect(isListed(policy, new URL(url))).toBe(true)
  })

  it.each([
    'http://sub.db.internal/',
    'http://db.internal./',
    'http://10.0.0.5/',
    'https://[::1]/',
    'http://127.0.0.1:5432/',
    'http://127.0.0.1/',
    'https://127.0.0.1:4000/',
    'http://localhost:4000/',
    'http://[::ffff:127.0.0.1]:4000/',
  ])('does not open %s', (url) => {
    expect(isListed(policy, new URL(url))).toBe(false)
  })
})
