import { describe, expect, test } from '@jest/globals'
import { hashOf, isKeyText, newKeyText, shownPrefix } from '../../../src/access/key-text.ts'
import { createSettingsKeys, readSettingsKeys } from '../../../src/access/settings-keys.ts'
import { isAtLeast, parseRole, ROLES } from '../../../src/access/viewer.ts'

const KEY = '0123456789abcdef0123456789abcdef'

describe('a new key', () => {
  test('is recognised by its form, is like no other, and shows little of itself', () => {
    const keys = Array.from({ length: 200 }, newKeyText)
    expect(new Set(keys).size).toBe(200)
    expect(keys.every(isKeyText)).toBe(true)
    expect(new Set(keys.join('').replaceAll('lume_', '')).size).toBe(62)
    expect(shownPrefix('lume_abcdefghij')).toBe('lume_abcdef')
  })

  test.each(['', 'lume_', 'lume_short', `lume_${'a'.repeat(41)}`, `x${newKeyText()}`, `${newKeyText()}\n`])(
    'is not %j',
    (text) => {
      expect(isKeyText(text)).toBe(false)
    },
  )
})

describe('keys of the settings', () => {
  test('name their owner and role, and are kept as hashes', () => {
    expect(readSettingsKeys(`acme:ADMIN:${KEY}, globex:viewer:${KEY}:with:colons`)).toEqual([
      { owner: 'acme', role: 'ADMIN', hash: hashOf(KEY) },
      { owner: 'globex', role: 'VIEWER', hash: hashOf(`${KEY}:with:colons`) },
    ])
  })

  test.each([
    ['acme', 'entry 1 is not of the form owner:role:key'],
    [`acme:ADMIN:${KEY},:ADMIN:${KEY}`, 'entry 2 is not of the form owner:role:key'],
    [`acme:ROOT:${KEY}`, 'entry 1 names no role'],
    ['acme:ADMIN:hunter2', 'the key of entry 1 is too short'],
    [`acme:ADMIN:${KEY} hunter2`, 'the key of entry 1 holds what no header can carry'],
  ])('that cannot be used are told without the key: %s', (text, problem) => {
    const told = readSettingsKeys(text)
    expect(told).toContain(problem)
    expect(told).not.toContain(KEY)
    expect(told).not.toContain('hunter2')
  })

  test('are found by their value alone', () => {
    const other = 'f'.repeat(32)
    const find = createSettingsKeys([
      { owner: 'acme', role: 'ADMIN', hash: hashOf(KEY) },
      { owner: 'globex', role: 'VIEWER', hash: hashOf(other) },
    ])
    expect(find(KEY)).toMatchObject({ ownerId: 'acme', role: 'ADMIN', authentication: 'SETTINGS' })
    expect(find(other)).toMatchObject({ ownerId: 'globex', role: 'VIEWER' })
    expect([find(''), find(KEY.slice(1)), find(hashOf(KEY))]).toEqual([null, null, null])
  })
})

describe('roles', () => {
  test('are a ladder', () => {
    const table = ROLES.map((role) => ROLES.filter((needed) => isAtLeast(role, needed)))
    expect(table).toEqual([['VIEWER'], ['VIEWER', 'EDITOR'], ['VIEWER', 'EDITOR', 'ADMIN']])
  })

  test('are read by their names', () => {
    expect(['ADMIN', 'admin', 'Editor', 'root', '', undefined, 5].map(parseRole)).toEqual([
      'ADMIN',
      'ADMIN',
      'EDITOR',
      null,
      null,
      null,
      null,
    ])
  })
})
