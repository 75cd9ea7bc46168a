import { expect, test } from '@jest/globals'
import { Fold } from '../../../../src/db/log/fold.ts'
import { mergePage, pagesOf, type PageBody } from '../../../../src/db/log/page.ts'
import { inOneGo, type Pieces } from '../../../../src/lib/turns/pieces.ts'

const CHECKPOINTS = 20_000

/** Does the work, and returns its result and the number of times that it could be interrupted. */
function counted<T>(pieces: Pieces<T>): { readonly result: T; readonly pauses: number } {
  for (let pauses = 0; ; pauses++) {
    const { done, value } = pieces.next()
    if (done) return { result: value, pauses }
  }
}

test('a page with thousands of checkpoints at one position is merged in pieces', () => {
  const fold = new Fold()
  for (let n = 0; n < CHECKPOINTS; n++) {
    const value = { entry: { seq: 1, entryNo: 2 }, held: 0 }
    fold.putCheckpoint({ path: 'a', order: [0], key: `key ${n}`, value })
  }
  const parts = counted(pagesOf(fold, []))
  expect(parts.pauses).toBeGreaterThan(CHECKPOINTS / 100)
  const [[low, newer] = ['', fold]] = parts.result
  const first = counted(mergePage(low, null, newer))
  expect(first.pauses).toBeGreaterThan(CHECKPOINTS / 100)
  expect(first.result).toHaveLength(1)
  const body = JSON.parse(first.result[0]?.body ?? '') as PageBody
  const again = counted(mergePage(low, body, new Fold()))
  expect(again.pauses).toBeGreaterThan((2 * CHECKPOINTS) / 100)
  expect(again.result).toEqual(inOneGo(mergePage(low, null, newer)))
})
