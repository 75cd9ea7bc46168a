// Compares schema.graphql with the one of the main line, and ends with 1 when a client of that one could break:
//   tsx scripts/check-schema-compatibility.ts [revision]     default: origin/main, else main, else the last commit
// Where that commit holds this very schema, because it is the one that is checked, it is compared with the one before it.
// What was deprecated there may go. docs/schema-changes.md lists the breaking changes that were accepted, with reasons.
import { execFileSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { buildSchema } from 'graphql'
import { acceptedPaths, unacceptedChanges } from './schema-compatibility.ts'

const SCHEMA = 'schema.graphql'
const ACCEPTED = 'docs/schema-changes.md'

process.exitCode = await main(process.argv[2])

async function main(revision: string | undefined): Promise<number> {
  const [later, accepted] = await Promise.all([readFile(SCHEMA, 'utf8'), readFile(ACCEPTED, 'utf8')])
  const earlier = earlierSchema(revision ? [revision] : ['origin/main', 'main', 'HEAD'], later)
  if (!earlier) {
    console.log(`There is no earlier ${SCHEMA} in git to compare with: nothing can be broken.`)
    return 0
  }
  const breaking = await unacceptedChanges(
    buildSchema(earlier.text),
    buildSchema(later),
    acceptedPaths(accepted),
  )
  if (breaking.length === 0) {
    console.log(`${SCHEMA} breaks no client of ${earlier.revision}`)
    return 0
  }
  console.error(
    `${SCHEMA} breaks clients of ${earlier.revision}:\n` +
      breaking.map(({ path, message }) => `  ${path}: ${message}\n`).join('') +
      `Deprecate first, and remove later; or, with a reason, accept it in ${ACCEPTED}.`,
  )
  return 1
}

interface EarlierSchema {
  readonly revision: string
  readonly text: string
}

/** The schema at the first of these revisions that has one, or right before it. */
function earlierSchema(revisions: readonly string[], later: string): EarlierSchema | null {
  for (const revision of revisions) {
    const text = schemaAt(revision)
    if (text === null) continue
    const before = text === later ? schemaAt(`${revision}^`) : null
    return before === null ? { revision, text } : { revision: `${revision}^`, text: before }
  }
  return null
}

/** Null without git, without the revision, and when it has no schema. */
function schemaAt(revision: string): string | null {
  try {
    return execFileSync('git', ['show', `${revision}:${SCHEMA}`], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      maxBuffer: 64 * 1024 * 1024,
    })
  } catch {
    return null // the caller goes on with the next one
  }
}
