/** Reads, compares, patches, canonicalizes and freezes JSON values. */
export { anyJson } from './any-json.ts'
export {
  canonicalHash,
  canonicalHashPieces,
  canonicalJson,
  jsonTextDigestPieces,
  type TextDigest,
} from './canonical-json.ts'
export { JSON_MAX_DEPTH, jsonHeapSize, jsonHeapSizePieces, type JsonHeapSize } from './json-heap.ts'
export { JsonText, objectText, stringifyWithTexts } from './json-text.ts'
export {
  deepFreeze,
  deepFreezePieces,
  isJsonObject,
  pointer,
  pointerKey,
  type Json,
  type JsonObject,
} from './json.ts'
export { mergePatch } from './merge-patch.ts'
export {
  isStorableText,
  jsonTextPieces,
  measurePlainJson,
  plainJsonPieces,
  toJsonText,
  toPlainJson,
  writeMeasured,
  type JsonTextResult,
  type NotPlainJson,
  type PlainJsonResult,
} from './plain-json.ts'
export { sameJson } from './same-json.ts'
