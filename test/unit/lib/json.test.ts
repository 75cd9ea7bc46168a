import { createHash } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { fc } from '../../support/fast-check.ts'
import { canonicalHash, canonicalHashPieces, canonicalJson } from '../../../src/lib/json/canonical-json.ts'
import { deepFreeze, isJsonObject, pointer, pointerKey, type Json } from '../../../src/lib/json/json.ts'
import { seededRandom } from '../../../src/lib/seeded-random.ts'

describe('a JSON pointer', () => {
  // The keys of RFC 6901, section 5.
  test.each([
    ['foo', '/foo'],
    ['', '/'],
    ['a/b', '/a~1b'],
    ['c%d', '/c%d'],
    ['e^f', '/e^f'],
    ['g|h', '/g|h'],
    ['i\\j', '/i\\j'],
    ['k"l', '/k"l'],
    [' ', '/ '],
    ['m~n', '/m~0n'],
    ['~1', '/~01'],
  ])('key %p is %s', (key, expected) => {
    expect(pointer('', key)).toBe(expected)
  })

  test('keys are appended in order, indexes too', () => {
    expect(pointer('/nodes', 3, 'config', 'a/b')).toBe('/nodes/3/config/a~1b')
    expect(pointer('')).toBe('')
    expect(pointerKey(0)).toBe('0')
  })
})

describe('deepFreeze', () => {
  test('freezes all the way down, on any depth', () => {
    const value = { list: [{ x: [1] }] }
    deepFreeze(value)
    expect([value, value.list, value.list[0], value.list[0]?.x].every((part) => Object.isFrozen(part))).toBe(
      true,
    )
    const deep = Array.from({ length: 100_000 }).reduce<Json>((inner) => [inner], 1)
    expect(Object.isFrozen(deepFreeze(deep))).toBe(true)
  })

  test('leaves what cannot be changed as it is', () => {
    for (const value of [null, 1, 'x', true]) expect(deepFreeze(value)).toBe(value)
  })
})

test('isJsonObject takes objects, and neither null nor lists', () => {
  expect([{}, null, [], 'x', 1].map(isJsonObject)).toEqual([true, false, false, false, false])
})

describe('canonical JSON (RFC 8785)', () => {
  test('sorts members by UTF-16 units, as in section 3.2.3', () => {
    const value = {
      '\u20ac': 'Euro Sign',
      '\r': 'Carriage Return',
      '\ufb33': 'Hebrew Letter Dalet With Dagesh',
      '1': 'One',
      '\ud83d\ude00': 'Emoji: Grinning Face',
      '\u0080': 'Control',
      '\u00f6': 'Latin Small Letter O With Diaeresis',
    }
    const order = Object.values(JSON.parse(canonicalJson(value)) as Record<string, string>)
    // A member whose name is an integer comes first in a JavaScript object, here by chance as in the text.
    expect(canonicalJson(value).indexOf('"\\r"')).toBe(1)
    expect(order.filter((name) => name !== 'One')).toEqual([
      'Carriage Return',
      'Control',
      'Latin Small Letter O With Diaeresis',
      'Euro Sign',
      'Emoji: Grinning Face',
      'Hebrew Letter Dalet With Dagesh',
    ])
  })

  test('writes the example of section 3.2.4', () => {
    const value = JSON.parse(
      '{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],' +
        '"string":"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/","literals":[null,true,false]}',
    ) as Json
    expect(canonicalJson(value)).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    )
  })

  // Appendix B: IEEE 754 bits and their text.
  test.each([
    ['0000000000000000', '0'],
    ['8000000000000000', '0'],
    ['0000000000000001', '5e-324'],
    ['8000000000000001', '-5e-324'],
    ['7fefffffffffffff', '1.7976931348623157e+308'],
    ['4340000000000000', '9007199254740992'],
    ['4430000000000000', '295147905179352830000'],
    ['44b52d02c7e14af5', '9.999999999999997e+22'],
    ['44b52d02c7e14af6', '1e+23'],
    ['44b52d02c7e14af7', '1.0000000000000001e+23'],
    ['444b1ae4d6e2ef4e', '999999999999999700000'],
    ['444b1ae4d6e2ef4f', '999999999999999900000'],
    ['444b1ae4d6e2ef50', '1e+21'],
    ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
    ['3eb0c6f7a0b5ed8d', '0.000001'],
    ['41b3de4355555553', '333333333.3333332'],
    ['41b3de4355555557', '333333333.33333343'],
    ['becbf647612f3696', '-0.0000033333333333333333'],
    ['43143ff3c1cb0959', '1424953923781206.2'],
  ])('the number %s is %s', (bits, text) => {
    expect(canonicalJson(Buffer.from(bits, 'hex').readDoubleBE())).toBe(text)
  })

  test('equal values, and only they, have equal hashes, whatever the order of their members', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        const reversed = reverseMembers(a as Json)
        expect(canonicalHash(reversed)).toBe(canonicalHash(a as Json))
        const areEqual = canonicalJson(a as Json) === canonicalJson(b as Json)
        expect(canonicalHash(a as Json) === canonicalHash(b as Json)).toBe(areEqual)
      }),
    )
  })

  test('a hash is SHA-256 in lower-case hex', () => {
    expect(canonicalHash({})).toBe('44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a')
  })
})

function reverseMembers(value: Json): Json {
  if (Array.isArray(value)) return value.map((item: Json) => reverseMembers(item))
  if (!isJsonObject(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, member]) => [key, reverseMembers(member)]),
  )
}

test('the hash of an object of many members is that of its canonical text, and is made in pieces', () => {
  const random = seededRandom('keys')
  const value = Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [`${random()}é${i}`, i]))
  const pieces = canonicalHashPieces(value)
  let count = 0
  let next = pieces.next()
  for (; !next.done; next = pieces.next()) count++
  expect(next.value).toBe(createHash('sha256').update(canonicalJson(value)).digest('hex'))
  expect(count).toBeGreaterThan(20)
})
