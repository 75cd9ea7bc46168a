import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { main } from '../../examples/library.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase()
})

afterAll(() => database.drop())

test('the example of the library runs', async () => {
  const lines: string[] = []
  const result = await main((line) => lines.push(line), { databaseUrl: database.url })
  expect(result).toEqual({ text: 'HELLO KETTLE!', letters: 11 })
  expect(lines.slice(-3)).toEqual(['100 %', 'completed: 2 of 2 nodes', JSON.stringify(result)])
})
