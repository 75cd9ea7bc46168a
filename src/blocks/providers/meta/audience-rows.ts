import type { JsonObject } from '../../../lib/json/index.ts'
import { isTurnOver, yieldToEventLoop } from '../../../lib/turns/index.ts'
import type { AudienceKey } from './audience-keys.ts'
import { hashValue } from './hash-value.ts'
import { normalise } from './normalise.ts'

const MAX_SAMPLES = 100
/** Each of them is enough for a match; without one, first and last name together may be. */
const IDENTIFYING: readonly AudienceKey[] = ['EMAIL', 'PHONE', 'MADID', 'EXTERN_ID']

/** A value that was left out of its row. It is not told itself: reports hold no personal data. */
export interface InvalidValue {
  /** The contact's place in the list, from 0. */
  readonly index: number
  readonly key: AudienceKey
  readonly reason: string
}

export interface AudienceRows {
  /** What the columns of the rows are: the keys that at least one contact has. */
  readonly keys: readonly AudienceKey[]
  readonly rows: readonly (readonly string[])[]
  /** Contacts without anything by which they could be matched. */
  readonly skipped: number
  /** Contacts that are the same as one before. */
  readonly duplicates: number
  readonly invalidValues: number
  /** The first hundred of them. */
  readonly invalidSamples: readonly InvalidValue[]
}

/** Which property of a contact holds a key's value. */
export type AudienceFields = readonly (readonly [key: AudienceKey, field: string])[]

/** Makes the rows that are sent: normalised, hashed, without duplicates and without contacts that nothing identifies. */
export async function audienceRows(
  contacts: readonly JsonObject[],
  options: { fields: AudienceFields; defaultCountry: string | null },
): Promise<AudienceRows> {
  const invalid: InvalidValue[] = []
  const rows = new Map<string, ReadonlyMap<AudienceKey, string>>()
  let skipped = 0
  for (const [index, contact] of contacts.entries()) {
    if (isTurnOver()) await yieldToEventLoop()
    const row = rowOf(contact, options, ({ key, reason }) => invalid.push({ index, key, reason }))
    if (isIdentifying(row)) rows.set(JSON.stringify([...row]), row)
    else skipped++
  }
  const keys = options.fields
    .map(([key]) => key)
    .filter((key) => [...rows.values()].some((row) => row.has(key)))
  return {
    keys,
    rows: [...rows.values()].map((row) => keys.map((key) => row.get(key) ?? '')),
    skipped,
    duplicates: contacts.length - skipped - rows.size,
    invalidValues: invalid.length,
    invalidSamples: invalid.slice(0, MAX_SAMPLES),
  }
}

function rowOf(
  contact: JsonObject,
  { fields, defaultCountry }: { fields: AudienceFields; defaultCountry: string | null },
  onInvalid: (value: { key: AudienceKey; reason: string }) => void,
): ReadonlyMap<AudienceKey, string> {
  const countryField = fields.find(([key]) => key === 'COUNTRY')?.[1]
  const country = normalise('COUNTRY', countryField && contact[countryField], null)
  const row = new Map<AudienceKey, string>()
  for (const [key, field] of fields) {
    const value = hashValue(key, contact[field], country.kind === 'value' ? country.text : defaultCountry)
    if (value.kind === 'value') row.set(key, value.text)
    else if (value.kind === 'invalid') onInvalid({ key, reason: value.reason })
  }
  return row
}

function isIdentifying(row: ReadonlyMap<AudienceKey, string>): boolean {
  return IDENTIFYING.some((key) => row.has(key)) || (row.has('FN') && row.has('LN'))
}
