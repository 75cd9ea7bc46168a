import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { binaryArray, type ElementType } from '../../src/db/sql/binary-array.ts'
import { createEmptyDatabase, type TestDatabase } from '../support/database.ts'
import { fc } from '../support/fast-check.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createEmptyDatabase()
})
afterAll(() => database.drop())

const TEXT = fc.string({ unit: 'binary' }).filter((value) => !value.includes('\0'))

const VALUES: Readonly<Record<ElementType, fc.Arbitrary<unknown>>> = {
  bigint: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  bool: fc.boolean(),
  float8: fc.double({ noNaN: true }),
  int: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  text: fc.oneof(TEXT, fc.json()),
  uuid: fc.uuid(),
}

test.each(Object.keys(VALUES) as ElementType[])(
  'law: Postgres reads a binary array of type %s[] as the list that it encodes, with nulls and without elements',
  async (type) => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.option(VALUES[type])), async (values) => {
        const { rows } = await database.pool.query(`SELECT to_json($1::${type}[]) AS read`, [
          binaryArray(type, values),
        ])
        const { rows: same } = await database.pool.query(
          `SELECT COALESCE($1::${type}[], '{}') = $2::${type}[] AS "isSame"`,
          [binaryArray(type, values), values],
        )
        expect(same).toEqual([{ isSame: true }])
        expect(rows[0]?.read).toHaveLength(values.length)
      }),
      { numRuns: 50 },
    )
  },
)

test('a text that is no UUID is refused', () => {
  expect(() => binaryArray('uuid', ['no UUID'])).toThrow('"no UUID" is not a UUID')
})
