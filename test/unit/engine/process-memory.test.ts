import { expect, test } from '@jest/globals'
import { ProcessMemory } from '../../../src/engine/memory/process-memory.ts'

const HEAP_BYTES = 512 * 1024 * 1024
/** The share of one owner: half of a quarter of the heap. */
const OWNER_BYTES = HEAP_BYTES / 8

test('what one owner holds keeps that owner, and no other, from starting executions', () => {
  const memory = new ProcessMemory(HEAP_BYTES)
  const run = memory.open('acme')
  run.held.count(OWNER_BYTES / 2)
  expect(memory.hasRoomFor('acme')).toBe(true)
  run.held.count(1)
  expect(memory.hasRoomFor('acme')).toBe(false)
  expect(memory.hasRoomFor('globex')).toBe(true)
  run.held.close()
  expect(memory.hasRoomFor('acme')).toBe(true)
})

test('a process that is nearly full starts only executions of owners that hold nothing', () => {
  const memory = new ProcessMemory(HEAP_BYTES)
  memory.open('acme').held.count(1.6 * OWNER_BYTES)
  memory.open('globex').held.count(1)
  expect(memory.hasRoomFor('globex')).toBe(false)
  expect(memory.hasRoomFor('initech')).toBe(true)
})
