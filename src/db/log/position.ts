const INDEX_WIDTH = 4

/** The texts of the first indexes: almost all positions have no others. */
const INDEX_TEXTS = Array.from({ length: 256 }, (_, index) => madeIndexText(index))

function madeIndexText(index: number): string {
  return index.toString(36).padStart(INDEX_WIDTH, '0')
}

/** Indexes in base 36 at a fixed width, so that text sorts as the numbers do: four digits count to 1.6 million. */
export function positionOf(order: readonly number[]): string {
  const [first] = order
  if (order.length === 1 && first !== undefined) return indexText(first)
  return order.map(indexText).join('.')
}

/** One index as it is written in a position. */
export function indexText(index: number): string {
  return INDEX_TEXTS[index] ?? madeIndexText(index)
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
