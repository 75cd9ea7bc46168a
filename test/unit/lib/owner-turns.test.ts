import { describe, expect, test } from '@jest/globals'
import { OwnerBusyError, OwnerTurns } from '../../../src/lib/turns/owner-turns.ts'
import { fc } from '../../support/fast-check.ts'

const WITHOUT_BOUNDS = { what: 'checks', maxWaiting: 1_000, allowance: null }

/** Lets all promises that are settled go on. */
async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

describe('turns of owners', () => {
  test('go round: work that waits is passed by at most one piece of work of each other owner', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 40 }), async (owners) => {
        const turns = new OwnerTurns(WITHOUT_BOUNDS)
        const done: string[] = []
        let atWork = 0
        const work = (label: string) => async () => {
          expect(++atWork).toBe(1)
          await settle()
          atWork--
          done.push(label)
        }
        const all = owners.map((owner, i) => turns.run(owner, work(`${owner}${i}`)))
        await Promise.all(all)

        expect(done).toHaveLength(owners.length)
        for (const owner of new Set(owners)) {
          const own = done.filter((label) => label.startsWith(owner))
          const asked = owners.flatMap((other, i) => (other === owner ? [`${owner}${i}`] : []))
          expect(own).toEqual(asked)
          const places = own.map((label) => done.indexOf(label))
          for (const [i, place] of places.entries()) {
            const between = done.slice(i === 0 ? 0 : (places[i - 1] ?? 0) + 1, place).map((label) => label[0])
            // The first piece of all began before other work waited.
            const passed = i === 0 ? between.slice(1) : between
            expect(new Set(passed).size).toBe(passed.length)
          }
        }
      }),
    )
  })

  test('are handed on after each piece: work of many pieces lets each other owner do one in between', async () => {
    const job = fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 1, max: 5 }))
    await fc.assert(
      fc.asyncProperty(fc.array(job, { minLength: 1, maxLength: 12 }), async (jobs) => {
        const turns = new OwnerTurns(WITHOUT_BOUNDS)
        const done: { readonly owner: string; readonly job: number }[] = []
        const begun = new Set<number>()
        const ended = new Set<number>()
        let atWork = 0
        const all = jobs.map(([owner, pieces], i) =>
          turns.run(owner, async (turn) => {
            // Of one owner only the first work is begun.
            for (const other of begun) expect(ended.has(other) || jobs[other]?.[0] !== owner).toBe(true)
            begun.add(i)
            for (let piece = 0; piece < pieces; piece++) {
              if (piece > 0) await turn.handOn()
              expect(++atWork).toBe(1)
              await settle()
              atWork--
              done.push({ owner, job: i })
            }
            ended.add(i)
          }),
        )
        await Promise.all(all)
        expect(done).toHaveLength(jobs.reduce((sum, [, pieces]) => sum + pieces, 0))
        for (const [owner] of jobs) {
          const places = done.flatMap((piece, place) => (piece.owner === owner ? [place] : []))
          for (const [i, place] of places.entries()) {
            if (i === 0) continue
            const between = done.slice((places[i - 1] ?? 0) + 1, place).map((piece) => piece.owner)
            expect(new Set(between).size).toBe(between.length)
          }
          const order = done.filter((piece) => piece.owner === owner).map((piece) => piece.job)
          expect(order).toEqual(order.toSorted((one, other) => one - other))
        }
      }),
    )
  })

  test('are free while work waits for something outside, but not for other work of the same owner', async () => {
    const turns = new OwnerTurns(WITHOUT_BOUNDS)
    const done: string[] = []
    let answer: (text: string) => void = () => {}
    const waiting = turns.run('a', async (turn) => {
      done.push('a1')
      done.push(await turn.outside(new Promise<string>((resolve) => (answer = resolve))))
    })
    const second = turns.run('a', async () => void done.push('a2'))
    await turns.run('b', async () => void done.push('b'))
    await settle()
    expect(done).toEqual(['a1', 'b'])
    answer('answered')
    await Promise.all([waiting, second])
    expect(done).toEqual(['a1', 'b', 'answered', 'a2'])
    await expect(
      turns.run('a', (turn) => turn.outside(Promise.reject(new Error('no answer')))),
    ).rejects.toThrow('no answer')
    expect(await turns.run('a', async () => 'next')).toBe('next')
  })

  test('go on after work that fails', async () => {
    const turns = new OwnerTurns(WITHOUT_BOUNDS)
    const failing = turns.run('a', () => Promise.reject(new Error('no')))
    const next = turns.run('a', async () => 'done')
    await expect(failing).rejects.toThrow('no')
    expect(await next).toBe('done')
  })

  test('refuse work beyond the bound of one owner, at once, and take that of others', async () => {
    const turns = new OwnerTurns({ ...WITHOUT_BOUNDS, maxWaiting: 2 })
    let finish = () => {}
    const running = turns.run('a', () => new Promise<void>((resolve) => (finish = resolve)))
    const waiting = [turns.run('a', async () => 1), turns.run('a', async () => 2)]
    await expect(turns.run('a', async () => 3)).rejects.toMatchObject({
      code: 'VALIDATION_BUSY',
      message: expect.stringContaining('2 checks of yours wait already, and 2 may'),
    })
    const other = turns.run('b', async () => 4)
    const accepted = turns.run('a', async () => 5, { isRefusable: false })
    finish()
    await running
    expect(await Promise.all([...waiting, other, accepted])).toEqual([1, 2, 4, 5])
    expect(turns.waiting).toBe(0)
  })
})

describe('an allowance', () => {
  const allowance = { burstMs: 100, perSecondMs: 10 }

  test('that is spent refuses what waits and what comes, until time has filled it again', async () => {
    let now = 0
    const turns = new OwnerTurns({ ...WITHOUT_BOUNDS, allowance, now: () => now })
    const spend = (ms: number) => async () => turns.charge('a', ms)
    const all = await Promise.allSettled([1, 2, 3].map(() => turns.run('a', spend(60))))
    expect(all.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected'])
    const refusal = await turns.run('a', spend(1)).catch((fault: unknown) => fault)
    expect(refusal).toBeInstanceOf(OwnerBusyError)
    expect(refusal).toMatchObject({ retryAfterMs: 3_000 })
    await turns.run('b', async () => turns.charge('b', 60))
    await turns.run('a', spend(60), { isRefusable: false })

    now += 8_001
    await turns.run('a', spend(1))
  })

  test('never holds more than its burst, however long nothing is spent', async () => {
    let now = 0
    const turns = new OwnerTurns({ ...WITHOUT_BOUNDS, allowance, now: () => now })
    turns.charge('a', 1)
    now += 1e9
    turns.charge('a', 101)
    await expect(turns.run('a', async () => 1)).rejects.toMatchObject({ code: 'VALIDATION_BUSY' })
  })
})

test('closed turns reject what waits and what comes', async () => {
  const turns = new OwnerTurns(WITHOUT_BOUNDS)
  let finish = () => {}
  const running = turns.run('a', () => new Promise<void>((resolve) => (finish = resolve)))
  const waiting = turns.run('a', async () => 1)
  turns.close(new Error('closed'))
  await expect(waiting).rejects.toThrow('closed')
  await expect(turns.run('b', async () => 1)).rejects.toThrow('closed')
  finish()
  await running
})

test('closed turns reject work that comes back from outside, or that has handed its turn on', async () => {
  const turns = new OwnerTurns(WITHOUT_BOUNDS)
  let answer = () => {}
  const outside = turns.run('a', ({ outside: wait }) => wait(new Promise<void>((done) => (answer = done))))
  let end = () => {}
  const handed = turns.run('b', async ({ handOn }) => {
    await settle()
    await handOn()
  })
  const working = turns.run('c', () => new Promise<void>((done) => (end = done)))
  await settle()
  await settle()
  turns.close(new Error('closed'))
  answer()
  await expect(outside).rejects.toThrow('closed')
  await expect(handed).rejects.toThrow('closed')
  end()
  await working
})
