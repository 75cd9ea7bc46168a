/** Text without these has as many code points as string units, which is the quick way. */
const SURROGATE = /[\ud800-\udfff]/

/** Where in the string the given code point starts; its end for positions beyond. CEL counts text in code points. */
export function unitOf(text: string, point: number): number {
  if (!SURROGATE.test(text)) return Math.min(point, text.length)
  let unit = 0
  for (let left = point; left > 0 && unit < text.length; left--) unit += isPair(text, unit) ? 2 : 1
  return unit
}

/** How many code points stand before a place in the string; -1 stays -1. */
export function pointsBefore(text: string, unit: number): number {
  if (unit < 0 || !SURROGATE.test(text)) return unit
  let points = 0
  for (let at = 0; at < unit; at += isPair(text, at) ? 2 : 1) points++
  return points
}

/** How many code points a text has. */
export function lengthOf(text: string): number {
  return pointsBefore(text, text.length)
}

function isPair(text: string, unit: number): boolean {
  return (text.codePointAt(unit) ?? 0) > 0xffff
}
