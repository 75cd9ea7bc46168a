/** Where a run gets its owner's secrets from. */
export interface SecretSource {
  /** The values of those of these names that there are. */
  open(names: readonly string[]): Promise<ReadonlyMap<string, string>>
}
