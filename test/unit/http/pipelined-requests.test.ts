import { Socket } from 'node:net'
import { expect, test } from '@jest/globals'
import { OperationTurns } from '../../../src/http/intake/operation-turns.ts'
import {
  CONNECTION_MAX_UNANSWERED,
  CONNECTION_MAX_WAITING,
  PipelinedRequests,
  TURN_MAX_ARRIVALS,
} from '../../../src/http/intake/pipelined-requests.ts'
import { until } from '../../support/until.ts'

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

test('where too many requests wait on all connections, those on which the most wait are closed and the others are answered', async () => {
  const requests = new PipelinedRequests(100)
  let dropped = 0
  const send = (socket: Socket, count: number) =>
    Array.from({ length: count }, () =>
      requests.run(
        socket,
        () => Promise.resolve(),
        () => dropped++,
      ),
    )
  const modest = new Socket()
  const answers = send(modest, 3)
  const greedy = Array.from({ length: 50 }, () => new Socket())
  for (const socket of greedy) {
    answers.push(...send(socket, 60))
    expect(requests.waiting).toBeLessThanOrEqual(100)
  }
  await Promise.all(answers)
  expect(modest.destroyed).toBe(false)
  const closed = greedy.filter(({ destroyed }) => destroyed).length
  expect(closed).toBe(49)
  // The first request of each connection has not waited.
  expect(dropped).toBe(closed * 59)
  expect(requests.waiting).toBe(0)
})

test('a connection that sends too many requests ahead is closed', async () => {
  const requests = new PipelinedRequests()
  const socket = new Socket()
  let begun = 0
  const send = (count: number) =>
    Array.from({ length: count }, () =>
      requests.run(socket, () => {
        begun++
        return new Promise<void>((resolve) => socket.once('close', () => resolve()))
      }),
    )
  const answers = send(CONNECTION_MAX_UNANSWERED + CONNECTION_MAX_WAITING)
  expect(socket.destroyed).toBe(false)
  answers.push(...send(1))
  expect(socket.destroyed).toBe(true)
  await Promise.all(answers)
  expect(begun).toBe(CONNECTION_MAX_UNANSWERED)
})

test('while too many requests arrive in one turn of the event loop, only connections whose requests never wait are read', async () => {
  const requests = new PipelinedRequests()
  const [flood, fresh, modest, paused] = [new Socket(), new Socket(), new Socket(), new Socket()]
  for (const socket of [flood, fresh, modest, paused]) requests.watch(socket)
  for (const socket of [flood, fresh, modest]) socket.resume()
  paused.pause()
  await requests.run(modest, () => Promise.resolve())
  const flooded: Promise<void>[] = []
  const send = (count: number) => {
    for (let i = 0; i < count; i++) flooded.push(requests.run(flood, () => Promise.resolve()))
  }
  const areRead = () => [fresh, modest, paused].map((socket) => !socket.isPaused())
  // The first request begins at once, and the others wait.
  send(1 + TURN_MAX_ARRIVALS)
  expect(areRead()).toEqual([true, true, false])
  send(1)
  expect(areRead()).toEqual([false, true, false])
  send(3 * TURN_MAX_ARRIVALS)
  expect(areRead()).toEqual([false, false, false])
  await until('the connections are read again', () => !fresh.isPaused() && !modest.isPaused())
  expect(paused.isPaused()).toBe(true)
  flood.destroy()
  await Promise.all(flooded)
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
