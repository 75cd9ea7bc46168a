/** Where an execution's secrets come from; it already stands for one owner. */
export interface SecretSource {
  /** The values of those of these names that there are. */
  open(names: readonly string[]): Promise<ReadonlyMap<string, string>>
}
