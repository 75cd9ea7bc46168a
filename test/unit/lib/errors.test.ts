import { expect, test } from '@jest/globals'
import { fc } from '../../support/fast-check.ts'
import { codeOf, LumeError, messageOf } from '../../../src/lib/errors.ts'

class OddError extends LumeError {}

test('a LumeError carries its code, its message, its cause and the name of its class', () => {
  const cause = new Error('below')
  const error = new OddError('ODD', 'this is odd', { cause })
  expect([error.code, error.message, error.cause, error.name]).toEqual([
    'ODD',
    'this is odd',
    cause,
    'OddError',
  ])
})

test.each<[thrown: unknown, message: string]>([
  [new Error('broken'), 'broken'],
  ['a text', 'a text'],
  [undefined, 'undefined'],
  [null, 'null'],
  [42, '42'],
  [{ message: 'from another realm' }, 'from another realm'],
  [Symbol('odd'), 'Symbol(odd)'],
])('the message of %p is %p', (thrown, message) => {
  expect(messageOf(thrown)).toBe(message)
})

test('the code of an error is a text, or there is none', () => {
  expect([new LumeError('X', ''), { code: 'Y' }, { code: 5 }, 'Z', null].map(codeOf)).toEqual([
    'X',
    'Y',
    undefined,
    undefined,
    undefined,
  ])
})

test('whatever was thrown can be told', () => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  for (const odd of [proxy, Object.create(null)]) {
    expect(typeof messageOf(odd)).toBe('string')
    expect(codeOf(odd)).toBeUndefined()
  }
  fc.assert(
    fc.property(fc.anything({ withNullPrototype: true, withBigInt: true }), (thrown) => {
      expect(typeof messageOf(thrown)).toBe('string')
    }),
  )
})
