import { Socket } from 'node:net'
import { expect, test } from '@jest/globals'
import { OperationTurns } from '../../../src/http/intake/operation-turns.ts'
import { CONNECTION_MAX_UNANSWERED, PipelinedRequests } from '../../../src/http/intake/pipelined-requests.ts'

test('of the requests of one connection a few are answered at a time, and it is not read while others wait', async () => {
  const requests = new PipelinedRequests()
  const socket = new Socket()
  const begun: (() => void)[] = []
  const answers = Array.from({ length: 100 }, () =>
    requests.run(socket, () => new Promise<void>((resolve) => begun.push(resolve))),
  )
  expect(begun.length).toBe(CONNECTION_MAX_UNANSWERED)
  expect(socket.isPaused()).toBe(true)
  // Node wants the rest of a request.
  socket.resume()
  await new Promise((resolve) => setImmediate(resolve))
  expect(socket.isPaused()).toBe(true)
  for (let answered = 0; answered < 100; answered++) {
    begun[answered]?.()
    await answers[answered]
    await new Promise((resolve) => setImmediate(resolve))
    expect(begun.length).toBe(Math.min(100, answered + 1 + CONNECTION_MAX_UNANSWERED))
  }
  expect(socket.isPaused()).toBe(false)
})

test('of the requests that have waited one begins in each turn of the event loop, and connections take turns', async () => {
  const requests = new PipelinedRequests()
  const order: string[] = []
  const send = (name: string, count: number) => {
    const socket = new Socket()
    return Array.from({ length: count }, () => requests.run(socket, async () => void order.push(name)))
  }
  const answers = [...send('a', 4), ...send('b', 3)]
  let isOver = false
  const countTurn = () => {
    order.push('|')
    if (!isOver) setImmediate(countTurn)
  }
  setImmediate(countTurn)
  await Promise.all(answers)
  isOver = true
  // The first of each connection has not waited.
  expect(order.join('').replace(/\|+$/, '')).toMatch(/^ab\|*a\|+b\|+a\|+b\|+a$/)
})

test('requests that wait are dropped when their connection ends', async () => {
  const requests = new PipelinedRequests()
  const socket = new Socket()
  let begun = 0
  const answers = Array.from({ length: CONNECTION_MAX_UNANSWERED + 5 }, () =>
    requests.run(socket, () => {
      begun++
      return new Promise<void>((resolve) => socket.once('close', () => resolve()))
    }),
  )
  socket.destroy()
  await Promise.all(answers)
  expect(begun).toBe(CONNECTION_MAX_UNANSWERED)
})

test('operations begin in one turn of the event loop until they have taken its time, then others are served', async () => {
  let now = 0
  const turns = new OperationTurns({ now: () => now })
  const order: string[] = []
  const operation = async (name: string, ms: number) => {
    await turns.take('acme')
    order.push(`${name} begins`)
    // Work between which nothing but microtasks runs: the next operation waits for all of it.
    for (let piece = 0; piece < 10; piece++) await Promise.resolve()
    now += ms
    order.push(`${name} ends`)
    setImmediate(() => order.push('others'))
  }
  const sent = { a: 2, b: 1, c: 5, d: 5, e: 1 }
  await Promise.all(Object.entries(sent).map(([name, ms]) => operation(name, ms)))
  const served = order.filter((entry, i) => entry !== 'others' || order[i - 1] !== 'others')
  const done = (...names: string[]) => names.flatMap((name) => [`${name} begins`, `${name} ends`])
  expect(served).toEqual([...done('a', 'b', 'c'), 'others', ...done('d'), 'others', ...done('e')])
})

test('operations of different owners begin in turn, however many one of them has sent before', async () => {
  const turns = new OperationTurns({ now: () => 0 })
  const order: string[] = []
  const operation = async (owner: string) => {
    await turns.take(owner)
    order.push(owner)
  }
  const sent = [...Array.from({ length: 100 }, () => 'acme'), 'beta', 'beta', 'gamma']
  await Promise.all(sent.map(operation))
  // The first begins at once, before the others are there.
  expect(order.slice(0, 7)).toEqual(['acme', 'acme', 'beta', 'gamma', 'acme', 'beta', 'acme'])
  expect(order).toHaveLength(103)
})
