import { expect, test } from '@jest/globals'
import { FieldPieces } from '../../../src/schema/answers/field-pieces.ts'
import { createBatch } from '../../../src/schema/kit/batch.ts'
import { countTurns } from '../../support/count-turns.ts'
import { useTurnUp } from '../../support/hold-turn.ts'

test('answers of the database for many operations that arrive in one turn are used in a turn each', async () => {
  const count = countTurns()
  const answered: (() => void)[] = []
  const turns: number[] = []
  const operations = Array.from({ length: 5 }, async () => {
    const batch = createBatch(new FieldPieces())
    const loader = batch('rows', null, async (keys) => {
      await new Promise<void>((resolve) => answered.push(resolve))
      return keys
    })
    const rows = await Promise.all([loader.load('a'), loader.load('b')])
    turns.push(count.turns)
    useTurnUp()
    return rows
  })
  while (answered.length < operations.length) await new Promise((resolve) => setImmediate(resolve))
  for (const answer of answered) setImmediate(answer)
  expect(await Promise.all(operations)).toEqual(operations.map(() => ['a', 'b']))
  count.stop()
  expect(new Set(turns).size).toBe(operations.length)
})
