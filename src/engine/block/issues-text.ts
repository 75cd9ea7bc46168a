import { shorten } from '../../lib/text/index.ts'

/** One thing that a Zod schema reports about a value. */
export interface Issue {
  readonly path: readonly PropertyKey[]
  readonly message: string
}

const MAX_ISSUES = 10
/** The path of an issue, in UTF-16 units: the keys in it are as long as the author of the value made them. */
const MAX_PATH = 500
const MAX_MESSAGE = 1_000

/** Returns the first ten issues as one text of bounded length, each with its path; `root` names the whole value. */
export function issuesText(issues: readonly Issue[], root: string): string {
  return issues
    .slice(0, MAX_ISSUES)
    .map(({ path, message }) => `${cut(path.join('.'), MAX_PATH) || root}: ${cut(message, MAX_MESSAGE)}`)
    .join('; ')
}

function cut(text: string, maxLength: number): string {
  return text.length > maxLength ? shorten(text, maxLength) : text
}
