import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'
import type { Json } from './json.ts'

/** The one text of a JSON value: members sorted, no white space, numbers as ECMAScript writes them (RFC 8785). */
export function canonicalJson(value: Json): string {
  return (canonicalize as unknown as (value: Json) => string)(value)
}

/** SHA-256 of the canonical text, in lower-case hex: equal values, and only they, have equal hashes. */
export function canonicalHash(value: Json): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex')
}
