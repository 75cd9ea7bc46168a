import { isJsonObject, type Json } from './json.ts'

/** Whether two JSON values are equal; the order of an object's members does not count. Safe on any depth. */
export function sameJson(one: Json | undefined, other: Json | undefined): boolean {
  const pending: [Json | undefined, Json | undefined][] = [[one, other]]
  for (let pair = pending.pop(); pair; pair = pending.pop()) {
    const [a, b] = pair
    if (a === b) continue
    if (isList(a) && isList(b)) {
      if (a.length !== b.length) return false
      for (const [i, item] of a.entries()) pending.push([item, b[i]])
    } else if (isJsonObject(a) && isJsonObject(b)) {
      const keys = Object.keys(a)
      if (keys.length !== Object.keys(b).length) return false
      for (const key of keys) {
        if (!Object.hasOwn(b, key)) return false
        pending.push([a[key], b[key]])
      }
    } else return false
  }
  return true
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value)
}
