import { deepFreeze, type Json } from '../../src/lib/json/json.ts'
import { jsonHeapSize } from '../../src/lib/json/json-heap.ts'

// A separate program, run with --expose-gc: prints what the sample that its argument names takes on the heap, and its estimate.

const COUNT = 100_000
const many = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i))
const LETTERS = Array.from('abcdefghijklmnop')

/** The letters in an order that depends on the index alone. */
function permuted(index: number): string[] {
  const left = [...LETTERS]
  const taken: string[] = []
  for (let seed = index * 7919 + 13; taken.length < 8; seed = (seed * 16807) % 2147483647)
    taken.push(...left.splice(seed % left.length, 1))
  return taken
}

const nested = (open: string, inside: string, close: string) =>
  `[${many(COUNT / 100, () => open.repeat(100) + inside + close.repeat(100)).join(',')}]`

const SAMPLES: Readonly<Record<string, () => string>> = {
  emptyLists: () => JSON.stringify(many(COUNT, () => [])),
  emptyObjects: () => JSON.stringify(many(COUNT, () => ({}))),
  smallIntegers: () => JSON.stringify(many(4 * COUNT, (i) => i % 1000)),
  fractions: () => JSON.stringify(many(COUNT, (i) => i + 0.5)),
  distinctKeys: () => JSON.stringify(many(COUNT, (i) => ({ [`a${i}`]: 0 }))),
  dictionary: () => JSON.stringify(Object.fromEntries(many(COUNT, (i) => [`a${i}`, 0]))),
  dictionaries: () =>
    JSON.stringify(many(COUNT / 200, () => Object.fromEntries(many(200, (i) => [`a${i}`, 0])))),
  permutedKeys: () =>
    JSON.stringify(many(COUNT / 8, (i) => Object.fromEntries(permuted(i).map((key) => [key, 1])))),
  rows: () =>
    JSON.stringify(
      many(COUNT / 20, (i) =>
        Object.fromEntries(many(20, (k) => [`field${k}`, k % 2 ? i * k : `value ${i}`])),
      ),
    ),
  wideTexts: () => JSON.stringify(many(COUNT, (i) => `ж${i}`)),
  shortTexts: () => JSON.stringify(many(4 * COUNT, () => 'a')),
  nestedLists: () => nested('[', '', ']'),
  nestedObjects: () => nested('{"a":', '1', '}'),
}

function heapUsed(): number {
  for (let i = 0; i < 6; i++) global.gc?.()
  return process.memoryUsage().heapUsed
}

const make = SAMPLES[process.argv[2] ?? '']
if (!make) throw new Error(`there is no sample "${process.argv[2]}"`)
const text = Buffer.from(make()).toString()
// Once beforehand: what the functions themselves take is no part of it.
deepFreeze(JSON.parse('[{"a":[0.5]}]') as Json)
const estimated = jsonHeapSize(text).heapBytes
const before = heapUsed()
const value = deepFreeze(JSON.parse(text) as Json)
const real = heapUsed() - before
console.log(JSON.stringify({ real, estimated, isKept: value !== null }))
