import { expect, test } from '@jest/globals'
import { ownerId } from '../../../src/lib/ids.ts'
import {
  DraftTurns,
  LARGE_DRAFTS_MAX_WAITING,
  SMALL_DRAFT_MAX_BYTES,
} from '../../../src/workflows/draft-turns.ts'

const [ADA, BOB] = [ownerId('ada'), ownerId('bob')]
const SMALL = { bytes: SMALL_DRAFT_MAX_BYTES, values: 10 }
const LARGE = { bytes: SMALL_DRAFT_MAX_BYTES + 1, values: 10 }

test('one owner’s large drafts are stored one at a time, small drafts and those of others meanwhile, and at most 200 wait', async () => {
  const turns = new DraftTurns()
  let isStored = () => {}
  const stored = new Promise<void>((resolve) => (isStored = resolve))
  const begun: string[] = []
  const save = (owner: typeof ADA, name: string, size = LARGE) =>
    turns.run(owner, size, (turn) => {
      begun.push(name)
      return turn.outside(stored)
    })
  const saves = Array.from({ length: 1 + LARGE_DRAFTS_MAX_WAITING }, (_, n) => save(ADA, `ada ${n}`))
  await expect(save(ADA, 'ada too many')).rejects.toMatchObject({ code: 'VALIDATION_BUSY' })
  const others = [save(BOB, 'bob'), save(ADA, 'small', SMALL)]
  await new Promise((resolve) => setImmediate(resolve))
  expect(begun.toSorted()).toEqual(['ada 0', 'bob', 'small'])
  isStored()
  await Promise.all([...saves, ...others])
  expect(begun.filter((name) => name.startsWith('ada'))).toEqual(saves.map((_, n) => `ada ${n}`))
})
