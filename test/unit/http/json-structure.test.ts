import { describe, expect, test } from '@jest/globals'
import { JsonStructure, structureExcessOf } from '../../../src/http/intake/json-structure.ts'
import { fc } from '../../support/fast-check.ts'

/** The values, the nesting and the widest object of a parsed JSON value: what the scanner must find on the bytes. */
function measure(root: unknown): { values: number; depth: number; members: number } {
  let values = 0
  let depth = 0
  let members = 0
  const pending = [{ value: root, at: 1 }]
  for (let next = pending.pop(); next; next = pending.pop()) {
    const { value, at } = next
    values++
    if (typeof value !== 'object' || value === null) continue
    depth = Math.max(depth, at)
    if (!Array.isArray(value)) members = Math.max(members, Object.keys(value).length)
    for (const child of Object.values(value)) pending.push({ value: child, at: at + 1 })
  }
  return { values, depth, members }
}

/** JSON with whatever breaks scanners: escapes, quotes, brackets in texts and keys, several bytes a character, white space. */
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({
    unit: fc.constantFrom('"', '\\', '{', '}', '[', ']', ':', ',', 'é', '漢', '😀', '\n', ' ', '1'),
  }),
)
const json = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 6, withCrossShrink: true },
    fc.constantFrom(null, true, false, 0, -1.5e-7, 1e21),
    text,
    fc.array(tie('value'), { maxLength: 6 }),
    fc.dictionary(text, tie('value'), { maxKeys: 6 }),
  ),
})).value
const written = fc
  .tuple(json, fc.constantFrom(undefined, 1, '\t'))
  .map(([value, space]) => new TextEncoder().encode(JSON.stringify(value, null, space)))
const cuts = fc.array(fc.nat(), { maxLength: 8 })

function inChunks(bytes: Uint8Array, at: readonly number[]): readonly Uint8Array[] {
  const places = [0, ...at.map((cut) => cut % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b)
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end))
}

describe('the structure of a JSON text', () => {
  test('has as many values as the parsed text, however the bytes are cut into chunks', () => {
    fc.assert(
      fc.property(written, cuts, (bytes, at) => {
        const structure = new JsonStructure({ maxValues: Infinity, maxDepth: 1_000, maxMembers: Infinity })
        for (const chunk of inChunks(bytes, at)) expect(structure.write(chunk)).toBeNull()
        expect(structure.values).toBe(measure(JSON.parse(new TextDecoder().decode(bytes))).values)
      }),
    )
  })

  test('exceeds a limit exactly when the parsed text does', () => {
    fc.assert(
      fc.property(written, fc.nat(40), fc.nat(6), fc.nat(6), (bytes, maxValues, maxDepth, maxMembers) => {
        const { values, depth, members } = measure(JSON.parse(new TextDecoder().decode(bytes)))
        const excess = structureExcessOf(bytes, { maxValues, maxDepth, maxMembers })
        expect(excess !== null).toBe(values > maxValues || depth > maxDepth || members > maxMembers)
      }),
    )
  })

  test('names the limit that is exceeded, and stays with it', () => {
    const structure = new JsonStructure({ maxValues: 3, maxDepth: 2, maxMembers: 1 })
    expect(structure.write(Buffer.from('[1,'))).toBeNull()
    expect(structure.write(Buffer.from('2,3'))).toBe('values')
    expect(structure.write(Buffer.from(']'))).toBe('values')
    expect(structureExcessOf(Buffer.from('[[[]]]'), { maxValues: 3, maxDepth: 2, maxMembers: 1 })).toBe(
      'depth',
    )
    expect(
      structureExcessOf(Buffer.from('{"a":{"b":1},"c":2}'), { maxValues: 9, maxDepth: 9, maxMembers: 1 }),
    ).toBe('members')
  })

  test('has no end to its count in a text that is not JSON', () => {
    for (const piece of ['[', '{', '""', '1 ', '{"a"', ',1', 'x ']) {
      expect(
        structureExcessOf(Buffer.from(piece.repeat(200)), { maxValues: 100, maxDepth: 100, maxMembers: 100 }),
      ).not.toBeNull()
    }
  })
})
