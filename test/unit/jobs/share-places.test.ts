import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { sharePlaces, type Turn } from '../../../src/jobs/worker/share-places.ts'
import { ownerId, type OwnerId } from '../../../src/lib/ids.ts'

/** A process with places, and the owners whose jobs wait for them. */
interface Model {
  readonly weights: readonly number[]
  readonly maxPerOwner: number
  readonly held: number[]
  readonly waiting: number[]
  free: number
  turn: Turn | null
}

const owner = (index: number) => ownerId(`owner-${index}`)
const indexOf = (id: OwnerId) => Number(id.slice('owner-'.length))

/** Shares the free places, as a worker does after each change; returns who got one, in order. */
function share(model: Model): readonly number[] {
  const granted: number[] = []
  // One at a time, so that the order is known; a property below says that this makes no difference.
  while (model.free > 0) {
    const { places, turn } = sharePlaces({ ...askedOf(model), free: 1 })
    model.turn = turn
    const [next] = places.keys()
    if (next === undefined) break
    take(model, indexOf(next), 1)
    granted.push(indexOf(next))
  }
  return granted
}

function take(model: Model, index: number, count: number): void {
  model.held[index] = (model.held[index] ?? 0) + count
  model.waiting[index] = (model.waiting[index] ?? 0) - count
  model.free -= count
}

/** The owners with due jobs in a circle, beginning behind the owner of the turn, as a survey returns them. */
function askedOf({ weights, held, waiting, maxPerOwner, turn, free }: Model) {
  const start = turn ? indexOf(turn.ownerId) + 1 : 0
  const demands = weights
    .map((_, index) => (start + index) % weights.length)
    .filter((index) => (waiting[index] ?? 0) > 0)
    .map((index) => ({ ownerId: owner(index), count: waiting[index] ?? 0 }))
  const heldBy = (id: OwnerId) => held[indexOf(id)] ?? 0
  return { demands, free, heldBy, weightOf: (id: OwnerId) => weights[indexOf(id)] ?? 1, maxPerOwner, turn }
}

const models = fc
  .record({
    weights: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 6 }),
    free: fc.integer({ min: 1, max: 12 }),
    maxPerOwner: fc.integer({ min: 1, max: 12 }),
  })
  .map(({ weights, free, maxPerOwner }): Model => ({
    weights,
    maxPerOwner,
    free,
    held: weights.map(() => 0),
    waiting: weights.map(() => 0),
    turn: null,
  }))

/** Jobs of an owner arrive, or the nth of the running ones ends. */
const events = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant('arrive' as const),
      owner: fc.nat(),
      count: fc.integer({ min: 1, max: 8 }),
    }),
    fc.record({ kind: fc.constant('end' as const), owner: fc.nat() }),
  ),
  { maxLength: 60 },
)

function apply(
  model: Model,
  event: { kind: 'arrive'; owner: number; count: number } | { kind: 'end'; owner: number },
) {
  const index = event.owner % model.weights.length
  if (event.kind === 'arrive') model.waiting[index] = (model.waiting[index] ?? 0) + event.count
  else if ((model.held[index] ?? 0) > 0) {
    model.held[index] = (model.held[index] ?? 0) - 1
    model.free++
  }
}

test('no free place stays empty while an owner below its maximum has a due job, and no maximum is exceeded', () => {
  fc.assert(
    fc.property(models, events, (model, all) => {
      for (const event of all) {
        apply(model, event)
        share(model)
        expect(model.free).toBeGreaterThanOrEqual(0)
        model.held.forEach((held, index) => {
          expect(held).toBeLessThanOrEqual(model.maxPerOwner)
          if (model.free > 0 && (model.waiting[index] ?? 0) > 0) expect(held).toBe(model.maxPerOwner)
        })
      }
    }),
  )
})

test('no owner gets a place of a later round while another with due jobs has not had its share of an earlier one', () => {
  fc.assert(
    fc.property(models, events, (model, all) => {
      const roundOf = (index: number) => Math.floor((model.held[index] ?? 0) / (model.weights[index] ?? 1))
      for (const event of all) {
        apply(model, event)
        while (model.free > 0) {
          const rounds = model.weights.flatMap((_, index) =>
            (model.waiting[index] ?? 0) > 0 && (model.held[index] ?? 0) < model.maxPerOwner
              ? [roundOf(index)]
              : [],
          )
          if (rounds.length === 0) break
          const { places, turn } = sharePlaces({ ...askedOf(model), free: 1 })
          model.turn = turn
          const index = indexOf([...places.keys()][0] ?? owner(0))
          expect(roundOf(index)).toBe(Math.min(...rounds))
          take(model, index, 1)
        }
      }
    }),
  )
})

test('an owner with due jobs and fewer places than its weight waits for at most one turn of every other owner', () => {
  fc.assert(
    fc.property(models, events, fc.nat(), (model, all, pick) => {
      const mine = pick % model.weights.length
      /** How many places others got since the owner has waited, or got one. */
      let others = model.weights.map(() => 0)
      for (const event of all) {
        apply(model, event)
        const isDue = (model.waiting[mine] ?? 0) > 0
        const isShort = (model.held[mine] ?? 0) < Math.min(model.weights[mine] ?? 1, model.maxPerOwner)
        if (!isDue || !isShort) others = others.map(() => 0)
        for (const index of share(model)) {
          if (index === mine) others = others.map(() => 0)
          else others[index] = (others[index] ?? 0) + 1
          if (isDue && isShort) expect(others[index]).toBeLessThanOrEqual(model.weights[index] ?? 1)
        }
      }
    }),
  )
})

test('with one place, owners with backlogs take it in proportion to their weights in every round', () => {
  fc.assert(
    fc.property(models, fc.integer({ min: 1, max: 4 }), (model, rounds) => {
      model.free = 1
      model.waiting.fill(1_000)
      const total = model.weights.reduce((sum, weight) => sum + weight, 0)
      const taken = model.weights.map(() => 0)
      for (let n = 0; n < total * rounds; n++) {
        const [index = 0] = share(model)
        taken[index] = (taken[index] ?? 0) + 1
        apply(model, { kind: 'end', owner: index })
        if ((n + 1) % total === 0) {
          expect(taken).toEqual(model.weights.map((weight) => (weight * (n + 1)) / total))
        }
      }
    }),
  )
})

test('places that become free together are shared as those that become free one after the other', () => {
  fc.assert(
    fc.property(models, fc.array(fc.nat(9), { minLength: 6, maxLength: 6 }), (model, waiting) => {
      waiting.forEach((count, index) => {
        if (index < model.waiting.length) model.waiting[index] = count
      })
      const { places } = sharePlaces(askedOf(model))
      const singly = share(model)
      const counts = model.weights.map((_, index) => singly.filter((one) => one === index).length)
      expect(model.weights.map((_, index) => places.get(owner(index)) ?? 0)).toEqual(counts)
    }),
  )
})
