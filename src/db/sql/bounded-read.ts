/** What a read within a limit found. */
export interface BoundedRead<Value> {
  /** The bytes of all values together, as JSON text; where they exceed the limit, at least this number. */
  readonly bytes: number
  /** The values in the order of their keys; null: together they exceed the limit, and none was sent. */
  readonly values: readonly Value[] | null
}
