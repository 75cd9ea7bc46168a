import { isJsonObject, type Json } from './json.ts'

/** Applies a JSON Merge Patch (RFC 7396): members merge, null removes, everything else replaces. */
export function mergePatch(target: Json, patch: Json): Json {
  if (!isJsonObject(patch)) return patch
  const before = isJsonObject(target) ? target : {}
  const merged = new Map(Object.entries(before))
  for (const [key, change] of Object.entries(patch)) {
    if (change === null) merged.delete(key)
    else merged.set(key, mergePatch(merged.get(key) ?? null, change))
  }
  return Object.fromEntries(merged)
}
