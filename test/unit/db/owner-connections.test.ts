import { expect, test } from '@jest/globals'
import { CONNECTION_WAIT_MS, OwnerConnections } from '../../../src/db/sql/owner-connections.ts'
import { isQueryTimeout } from '../../../src/db/sql/faults.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const settle = () => new Promise((resolve) => setImmediate(resolve))

test('one owner holds a part of the connections, and owners whose statements wait take turns', async () => {
  const connections = new OwnerConnections(10, new ManualClock())
  const taken: string[] = []
  const leave: (() => void)[] = []
  const take = (owner: string) =>
    void connections.take(owner).then((giveBack) => {
      taken.push(owner)
      leave.push(giveBack)
    })
  for (let index = 0; index < 50; index++) take('a')
  await settle()
  expect(taken).toEqual(Array(6).fill('a'))
  for (let index = 0; index < 8; index++) take('b')
  await settle()
  expect(taken.slice(6)).toEqual(Array(4).fill('b'))
  // Both wait: each connection that becomes free goes to another owner than the one before.
  for (let index = 0; index < 4; index++) {
    leave.shift()?.()
    await settle()
  }
  expect(taken.slice(10).toSorted()).toEqual(['a', 'a', 'b', 'b'])
})

test('a connection is given back once, and a statement that waits too long is refused as one that took too long', async () => {
  const clock = new ManualClock()
  const connections = new OwnerConnections(1, clock)
  const leave = await connections.take('a')
  const refused = connections.take('b').catch((fault: unknown) => fault)
  await clock.advance(CONNECTION_WAIT_MS)
  expect(isQueryTimeout(await refused)).toBe(true)
  leave()
  leave()
  await connections.take('b')
  let isTaken = false
  void connections.take('c').then(() => (isTaken = true))
  await settle()
  expect(isTaken).toBe(false)
})
