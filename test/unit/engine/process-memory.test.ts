import { beforeEach, describe, expect, test } from '@jest/globals'
import { CONFIG_MAX_HEAP_BYTES } from '../../../src/engine/block/config-limits.ts'
import {
  MemoryBudget,
  NEW_OWNERS_MEMORY_PART,
  OWNER_MEMORY_SHARE,
  RESERVED_MEMORY_SHARE,
  type ExecutionMemory,
} from '../../../src/engine/memory/memory-budget.ts'
import { ProcessMemory } from '../../../src/engine/memory/process-memory.ts'
import { fc } from '../../support/fast-check.ts'
import { settled } from '../../support/manual-clock.ts'

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

describe('memory that several owners ask for', () => {
  const MIB = 1024 * 1024
  const NO_TIMERS = { after: () => () => {} }
  const waiting = () => ({ signal: new AbortController().signal, clock: NO_TIMERS })
  const granted: string[] = []
  const ask = (memory: ExecutionMemory, bytes: number, name: string) =>
    void Promise.resolve(memory.take(bytes, waiting())).then(() => granted.push(name))

  beforeEach(() => void granted.splice(0))

  test('a third owner gets memory for a config at once, whatever two others hold for as long as they like', async () => {
    const memory = new ProcessMemory(HEAP_BYTES)
    for (const owner of ['ada', 'bob']) {
      const { configs } = memory.open(owner)
      ask(configs, CONFIG_MAX_HEAP_BYTES, owner)
      for (let more = 0; more < 1_000; more++) ask(configs, MIB / 4, owner)
    }
    await settled()
    ask(memory.open('eve').configs, CONFIG_MAX_HEAP_BYTES, 'eve')
    await settled()
    expect(granted.at(-1)).toBe('eve')
  })

  test('a request that does not wait takes nothing that another owner waits for', async () => {
    const budget = new MemoryBudget(64 * MIB)
    const [ada, bob, eve] = [
      budget.openExecution('ada'),
      budget.openExecution('bob'),
      budget.openExecution('eve'),
    ]
    ada.count(30 * MIB)
    bob.count(16 * MIB)
    ask(bob, 12 * MIB, 'bob')
    await settled()
    expect(ada.tryTake(1 * MIB)).toBe(false)
    expect(eve.tryTake(1 * MIB)).toBe(true)
    ada.release(11 * MIB)
    await settled()
    expect(granted).toEqual(['bob'])
  })

  test('owners take turns, however many requests one of them has made before', async () => {
    const budget = new MemoryBudget(64 * MIB)
    const [ada, bob, eve] = [
      budget.openExecution('ada'),
      budget.openExecution('bob'),
      budget.openExecution('eve'),
    ]
    for (const holder of [ada, bob]) holder.count(9 * MIB)
    eve.count(30 * MIB)
    for (const n of [1, 2, 3]) ask(ada, 2 * MIB, `ada ${n}`)
    ask(bob, 2 * MIB, 'bob')
    await settled()
    expect(granted).toEqual([])
    eve.release(4 * MIB)
    await settled()
    expect(granted).toEqual(['ada 1', 'bob'])
    eve.close()
    await settled()
    expect(granted).toEqual(['ada 1', 'bob', 'ada 2', 'ada 3'])
  })

  test('law: no owner, no execution and no process exceeds its bound, and all requests are granted in the end', async () => {
    const max = 1_000
    const request = fc.record({
      owner: fc.constantFrom('ada', 'bob', 'eve', 'kim'),
      bytes: fc.integer({ min: 1, max: max * OWNER_MEMORY_SHARE }),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(request, { maxLength: 40 }), async (requests) => {
        const budget = new MemoryBudget(max)
        const open = new Map<number, () => void>()
        requests.forEach(({ owner, bytes }, n) => {
          const execution = budget.openExecution(owner)
          const grant = execution.take(bytes, waiting())
          void Promise.resolve(grant).then(() => open.set(n, () => execution.close()))
        })
        for (let ended = 0; ended < requests.length; ended++) {
          await settled()
          const sums = new Map<string, number>()
          for (const n of open.keys()) {
            const { owner = '', bytes = 0 } = requests[n] ?? {}
            sums.set(owner, (sums.get(owner) ?? 0) + bytes)
          }
          const total = [...sums.values()].reduce((sum, bytes) => sum + bytes, 0)
          for (const bytes of sums.values()) expect(bytes).toBeLessThanOrEqual(max * OWNER_MEMORY_SHARE)
          expect(total).toBeLessThanOrEqual(max * NEW_OWNERS_MEMORY_PART)
          expect(budget.bytesInUse).toBe(total)
          const [first] = open
          if (!first) throw new Error('no request is granted')
          open.delete(first[0])
          first[1]()
        }
      }),
    )
  })

  test('one owner alone leaves half of the memory to others, and the reserve counts for it as for all', () => {
    const budget = new MemoryBudget(64 * MIB)
    const [ada, bob] = [budget.openExecution('ada'), budget.openExecution('bob')]
    const takeAll = (memory: ExecutionMemory) => {
      let taken = 0
      while (memory.tryTake(MIB)) taken += MIB
      return taken
    }
    expect(takeAll(ada)).toBe(64 * MIB * OWNER_MEMORY_SHARE)
    expect(takeAll(bob)).toBe(64 * MIB * (1 - RESERVED_MEMORY_SHARE - OWNER_MEMORY_SHARE))
  })
})
