import { expect, test } from '@jest/globals'
import { inGroups, type GroupLimits } from '../../../src/lib/async/in-groups.ts'
import { Gate } from '../../support/manual-clock.ts'

const LIMITS: GroupLimits<string> = { maxSize: 10, sizeOf: (text) => text.length, keyOf: () => null }

/** Calls wait for the gate; what each was asked for is kept. */
function watched(limits: Partial<GroupLimits<string>> = {}) {
  const gate = new Gate()
  const groups: (readonly string[])[] = []
  const ask = inGroups(
    async (items: readonly string[]) => {
      groups.push(items)
      await gate.pass()
      if (items.includes('bad')) throw new Error('bad')
      return items.map((item) => item.toUpperCase())
    },
    { ...LIMITS, ...limits },
  )
  return { ask, gate, groups }
}

test('what is asked for while a call is under way goes together in the next, and each gets its own answer', async () => {
  const { ask, gate, groups } = watched()
  const first = ask('a')
  await Promise.resolve()
  const later = [ask('b'), ask('c')]
  gate.open()
  expect(await Promise.all([first, ...later])).toEqual(['A', 'B', 'C'])
  expect(groups).toEqual([['a'], ['b', 'c']])
})

test('a group does not grow beyond its size, but one item alone may', async () => {
  const { ask, gate, groups } = watched()
  const answers = ['123456', '7890ab', 'much longer than ten'].map(ask)
  gate.open()
  await Promise.all(answers)
  expect(groups).toEqual([['123456'], ['7890ab'], ['much longer than ten']])
})

test('two items of one key never meet in a group', async () => {
  const { ask, gate, groups } = watched({ keyOf: (text) => text[0] ?? null })
  const answers = ['a1', 'b1', 'a2'].map(ask)
  gate.open()
  await Promise.all(answers)
  expect(groups).toEqual([['a1', 'b1'], ['a2']])
})

test('when a group fails only the guilty item does', async () => {
  const { ask, gate } = watched()
  const answers = [ask('a'), ask('bad'), ask('c')]
  gate.open()
  const settled = await Promise.allSettled(answers)
  expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
})
