import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from '@jest/globals'
import { captureContext, ContextVariable } from '../../../src/lib/async-context.ts'

const color = new ContextVariable<string>()
const size = new ContextVariable<number>()

test('variables have their values in all that is started inside, and do not change each other', async () => {
  const seen: unknown[] = []
  await color.run('red', async () => {
    await size.run(1, async () => {
      await sleep(0)
      setImmediate(() => seen.push([color.value, size.value]))
      await color.run('blue', async () => {
        await Promise.resolve()
        seen.push([color.value, size.value])
      })
      size.run(undefined, () => seen.push([color.value, size.value]))
      await sleep(1)
    })
    seen.push([color.value, size.value])
  })
  expect(seen).toEqual([
    ['blue', 1],
    ['red', undefined],
    ['red', 1],
    ['red', undefined],
  ])
  expect([color.value, size.value]).toEqual([undefined, undefined])
})

test('work in a captured context finds the values of the place where it was captured', () => {
  const inContext = color.run('red', () => captureContext())
  color.run('blue', () => inContext(() => expect(color.value).toBe('red')))
})
