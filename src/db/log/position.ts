const INDEX_WIDTH = 4

/** Indexes in base 36 at a fixed width, so that text sorts as the numbers do: four digits count to 1.6 million. */
export function positionOf(order: readonly number[]): string {
  return order.map(indexText).join('.')
}

/** One index as it is written in a position. */
export function indexText(index: number): string {
  return index.toString(36).padStart(INDEX_WIDTH, '0')
}

/** The indexes of a position. */
export function orderOf(position: string): readonly number[] {
  return position.split('.').map((index) => Number.parseInt(index, 36))
}

/** Positions from `low` on and below `high`. */
export interface PositionRange {
  readonly low: string
  readonly high: string
}

/** Sorts after every position. */
export const BEHIND_ALL = '~'

/** The positions inside of an item of the loop at this position: a dot follows each index but the last, and the slash sorts next to it. */
export function itemRange(loopPosition: string, index: number): PositionRange {
  const position = `${loopPosition}.${indexText(index)}`
  return { low: `${position}.`, high: `${position}/` }
}
