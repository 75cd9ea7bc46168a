/** Reads the values that the steps of the source execution of a retry recorded. None of them is loaded before it is needed. */
export interface SourceValues {
  /**
   * The values that are small, read together: most executions have no others, so that a retry of them reads nothing more. A value that
   * is missing here is read by `outputs` or `configs`.
   */
  readonly small: () => Promise<SmallSourceValues>
  /** The outputs of these steps as JSON text, by path; a step without an output is left out. */
  readonly outputs: (paths: readonly string[]) => Promise<ReadonlyMap<string, string>>
  /** The resolved configs of these steps as JSON text, by path, as they were recorded. */
  readonly configs: (paths: readonly string[]) => Promise<ReadonlyMap<string, string>>
}

/** JSON texts by step path. */
export interface SmallSourceValues {
  readonly configs: ReadonlyMap<string, string>
  readonly outputs: ReadonlyMap<string, string>
}
