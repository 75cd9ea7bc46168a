/** The turns of the event loop since the count began. */
export interface TurnCount {
  readonly turns: number
  /** Ends the count: the event loop may become idle. */
  stop(): void
}

/** Counts the turns of the event loop from the next one on. */
export function countTurns(): TurnCount {
  let turns = 0
  let isOver = false
  const count = () => {
    turns++
    if (!isOver) setImmediate(count)
  }
  setImmediate(count)
  return {
    get turns() {
      return turns
    },
    stop: () => void (isOver = true),
  }
}
