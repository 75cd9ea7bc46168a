import { webcrypto } from 'node:crypto'
import { expect, test } from '@jest/globals'
import { newId, ownerId, parseId, type JobId } from '../../../src/lib/ids.ts'

test('new ids are UUIDs of version 7, in the order of their making', () => {
  const ids = Array.from({ length: 1_000 }, () => newId<JobId>())
  expect(
    ids.every((id) => /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id)),
  ).toBe(true)
  expect(ids.toSorted()).toEqual(ids)
})

test.each<[text: string, parsed: string | null]>([
  ['0193A1B2-C3D4-7E5F-8A9B-0C1D2E3F4A5B', '0193a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'],
  ['', null],
  ['42', null],
  ["0193a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b' OR 1=1", null],
])('%p is read as %p', (text, parsed) => {
  expect(parseId<JobId>(text)).toBe(parsed)
})

test('an owner is any text of 1 to 200 characters', () => {
  expect(ownerId('local')).toBe('local')
  expect(() => ownerId('')).toThrow('1 to 200')
  expect(() => ownerId('x'.repeat(201))).toThrow('1 to 200')
})

test('the random bytes of many ids are asked of the system at once', () => {
  const { getRandomValues } = webcrypto
  let calls = 0
  const counted = (array: Uint8Array) => {
    calls++
    return getRandomValues.call(webcrypto, array)
  }
  Object.defineProperty(webcrypto, 'getRandomValues', { value: counted, configurable: true })
  try {
    for (let made = 0; made < 1_000; made++) newId()
  } finally {
    Reflect.deleteProperty(webcrypto, 'getRandomValues')
  }
  expect(calls).toBeGreaterThan(0)
  expect(calls).toBeLessThan(10)
})
