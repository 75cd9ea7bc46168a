import { expect, test } from '@jest/globals'
import { z } from 'zod'
import { readCompletion } from '../../../../src/blocks/providers/openrouter/read-completion.ts'
import { gatheringCaller } from '../../../../src/blocks/providers/shared/gathering-caller.ts'
import { jsonObjectSchema, listOf } from '../../../../src/blocks/providers/shared/list-of.ts'
import { ANSWER_MAX_HEAP_BYTES } from '../../../../src/net/answer-size.ts'
import { answersAlone } from '../../../support/answers.ts'
import { ManualClock } from '../../../support/manual-clock.ts'

test('answers that a caller keeps are claimed together, and are refused when they take too much memory together', async () => {
  const claimed: number[] = []
  const claimMemory = (bytes: number) => Promise.resolve(void claimed.push(bytes))
  const { answers } = gatheringCaller({
    credential: 'key',
    clock: new ManualClock(),
    signal: new AbortController().signal,
    answers: { ...answersAlone(), claimMemory },
  })
  const part = ANSWER_MAX_HEAP_BYTES / 4
  for (let page = 1; page <= 4; page++) await answers.claimMemory(part)
  expect(claimed).toEqual([part, 2 * part, 3 * part, 4 * part])
  await expect(answers.claimMemory(1)).rejects.toMatchObject({ code: 'HTTP_RESPONSE_TOO_LARGE' })
})

test('a list of an answer is refused at its first item that does not fit', () => {
  const rows = listOf(jsonObjectSchema)
  expect(rows.safeParse([{ a: 1 }, {}]).data).toEqual([{ a: 1 }, {}])
  const { error } = z.object({ rows }).safeParse({ rows: [{}, ...Array.from({ length: 1_000 }, () => 1)] })
  expect(error?.issues).toEqual([expect.objectContaining({ path: ['rows', 1], message: 'is no object' })])
  expect(rows.safeParse({}).error?.issues).toHaveLength(1)
})

test.each(['text/event-stream', 'application/json'])(
  'a completion of type %s that never ends is refused after ten million characters',
  async (contentType) => {
    let pieces = 0
    async function* text() {
      for (; ; pieces++) yield 'x'.repeat(100_000)
    }
    const stream = { status: 200, header: () => contentType, text: text() }
    const listener = { onText: () => undefined, onUsage: () => undefined }
    await expect(readCompletion(stream, listener)).rejects.toMatchObject({
      failure: { kind: 'invalidRequest' },
    })
    expect(pieces).toBeLessThanOrEqual(101)
  },
)
