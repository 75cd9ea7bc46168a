/** What a schema has found, as Zod tells it. */
export interface Issue {
  readonly path: readonly PropertyKey[]
  readonly message: string
}

const MAX_TOLD = 10

/** The first ten issues as one text, each with its place; `root` names the whole. */
export function issuesText(issues: readonly Issue[], root: string): string {
  return issues
    .slice(0, MAX_TOLD)
    .map(({ path, message }) => `${path.join('.') || root}: ${message}`)
    .join('; ')
}
