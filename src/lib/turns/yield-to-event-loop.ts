import { currentOwner } from '../index.ts'
import { ArrivalTurns } from './arrivals.ts'
import { beginTurn } from './loop-turn.ts'
import { OwnerQueues } from './owner-queues.ts'

/** The work that waits for a turn of the event loop. Shared by the process, as its thread is. */
const waiting = new OwnerQueues<() => void>()
let isScheduled = false

/** The turns that this work leaves to connections. */
const arrivalTurns = new ArrivalTurns()

/**
 * Resolves in a turn of the event loop that no other caller shares: leases are renewed and clients are answered between any two
 * pieces of work, however many of them yield at the same time. Owners take turns (see `currentOwner`; the server's own work counts
 * as one more owner), so a piece of an owner's work waits for at most one piece of each other owner and for the pieces of
 * the same owner that yielded before.
 */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(currentOwner() ?? '', resolve)
    schedule()
  })
}

/** Whether work waits for its turn: a thread that looks idle is not. */
export function isYielding(): boolean {
  return waiting.size > 0
}

function schedule(): void {
  if (isScheduled) return
  isScheduled = true
  setImmediate(takeTurn)
}

function takeTurn(): void {
  isScheduled = false
  if (arrivalTurns.leavesTurn()) return schedule()
  const resume = waiting.takeFirst()
  // What is scheduled in an immediate runs in the next turn of the loop.
  if (waiting.size > 0) schedule()
  beginTurn()
  resume?.()
}
