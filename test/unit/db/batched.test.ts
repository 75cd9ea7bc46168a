import { expect, test } from '@jest/globals'
import { batched } from '../../../src/db/sql/batched.ts'

function counted(readMany: (keys: readonly number[]) => readonly string[]) {
  const statements: (readonly number[])[] = []
  const read = batched(async (keys: readonly number[]) => {
    statements.push(keys)
    return readMany(keys)
  })
  return { read, statements }
}

test('what is asked for in one turn is read at once, and each reader gets its own', async () => {
  const { read, statements } = counted((keys) => keys.map((key) => `row ${key}`))
  expect(await Promise.all([read(3), read(1), read(2)])).toEqual(['row 3', 'row 1', 'row 2'])
  expect(statements).toEqual([[3, 1, 2]])
})

test('nothing is kept: who asks again is told what holds now', async () => {
  let version = 0
  const { read } = counted((keys) => keys.map(() => `version ${++version}`))
  expect([await read(1), await read(1)]).toEqual(['version 1', 'version 2'])
})

test('more keys than a statement should hold go in several', async () => {
  const { read, statements } = counted((keys) => keys.map(String))
  await Promise.all(Array.from({ length: 120 }, (_, key) => read(key)))
  expect(statements.map(({ length }) => length)).toEqual([50, 50, 20])
})

test('what cannot be read is the fault of its own reader only', async () => {
  const fault = new Error('a row that is broken')
  const { read } = counted((keys) => {
    if (keys.includes(2)) throw fault
    return keys.map(String)
  })
  expect(await Promise.allSettled([read(1), read(2), read(3)])).toEqual([
    { status: 'fulfilled', value: '1' },
    { status: 'rejected', reason: fault },
    { status: 'fulfilled', value: '3' },
  ])
})
