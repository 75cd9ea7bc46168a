import { expect, test } from '@jest/globals'
import { onAbort } from '../../../src/lib/async/abort.ts'

test('each callback of a signal is called once when it aborts, unless it was called off', () => {
  const controller = new AbortController()
  const called: string[] = []
  onAbort(controller.signal, () => called.push('a'))
  const callOff = onAbort(controller.signal, () => called.push('b'))
  onAbort(controller.signal, () => called.push('c'))
  callOff()
  controller.abort()
  expect(called).toEqual(['a', 'c'])
})

test('a callback is called at once where the signal has aborted', () => {
  const called: string[] = []
  onAbort(AbortSignal.abort(), () => called.push('a'))
  expect(called).toEqual(['a'])
})

test('a callback may call off another one while the signal aborts', () => {
  const controller = new AbortController()
  const called: string[] = []
  let callOff = () => {}
  onAbort(controller.signal, () => callOff())
  callOff = onAbort(controller.signal, () => called.push('b'))
  controller.abort()
  expect(called).toEqual([])
})
