import { setTimeout as sleep } from 'node:timers/promises'

const LOOK_EVERY_MS = 100
const GIVE_UP_MS = 120_000

/** Resolves when the fact holds; rejects after two minutes. */
export async function until(fact: string, holds: () => Promise<boolean>): Promise<void> {
  const giveUpAt = performance.now() + GIVE_UP_MS
  while (!(await holds())) {
    if (performance.now() > giveUpAt)
      throw new Error(`after ${GIVE_UP_MS / 1_000} s this does not hold: ${fact}`)
    await sleep(LOOK_EVERY_MS)
  }
}
